package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"siteledger/server/fault"
	"siteledger/server/ledger"
	"siteledger/syncproto"
	"siteledger/syncproto/changelog"
	"siteledger/syncproto/schema"
)

// Person is somebody who works here, as the person row says. Centre is
// headquarters' stream for an adjudicator or an administrator. Login is empty
// for somebody who never signs in on a screen.
type Person struct {
	ID, Centre uuid.UUID
	Name       string
	Login      string
	Role       schema.Role
	Language   string // zh-CN, en, or empty: not chosen
	Active     bool
}

// Account is a person with the hash of the password, if there is one.
type Account struct {
	Person
	Hash string
}

// Accounts keeps sign-in names and password hashes beside the person rows.
type Accounts interface {
	// AccountByLogin finds by sign-in name; a NotFound fault for an unknown
	// one, or one without a person row.
	AccountByLogin(ctx context.Context, login string) (Account, error)
	// AccountByID finds any person; a NotFound fault for an unknown one.
	AccountByID(ctx context.Context, person uuid.UUID) (Account, error)
	// Accounts lists a stream's people by name; uuid.Nil lists all.
	Accounts(ctx context.Context, centre uuid.UUID) ([]Account, error)
	// SetCredential gives a person a sign-in name and a hash, and ends the
	// person's sessions. A name that somebody else has is an Invalid fault; one
	// that an interrupted creation left without a person is taken over.
	SetCredential(ctx context.Context, c Credential) error
}

// Credential is what a person signs in with. At is Unix milliseconds.
type Credential struct {
	Person, Centre uuid.UUID
	Login, Hash    string
	At             int64
}

// NewPerson describes somebody to be added. Without Login the person never
// signs in on a screen; without Password one is made up.
type NewPerson struct {
	ID       uuid.UUID // uuid.Nil: a new one
	Centre   uuid.UUID
	Name     string
	Login    string
	Password string
	Role     schema.Role
	Phone    string
	Skills   string
	Language string
}

// Operator is who works on the command line of the server itself. It may do
// what an administrator may, and has no person row.
func Operator() Person { return Person{Name: "operator", Role: schema.Admin, Active: true} }

// manages says whether somebody may add, change or disable another: an
// administrator anybody, a supervisor the installers and clerks of the centre.
func manages(by Person, centre uuid.UUID, role schema.Role) bool {
	switch by.Role {
	case schema.Admin:
		return true
	case schema.Supervisor:
		return by.Centre == centre && (role == schema.Installer || role == schema.Clerk)
	}
	return false
}

// CreatePerson adds a person and answers the password, which is shown once and
// stored nowhere. After a crash in the middle the name is free again within a
// minute.
func (a *Auth) CreatePerson(ctx context.Context, by Person, n NewPerson) (Person, string, error) {
	if !manages(by, n.Centre, n.Role) {
		return Person{}, "", fault.New(syncproto.Forbidden, "没有权限添加此人员 · You may not add this person")
	}
	login, err := cleanLogin(n.Login)
	if err != nil {
		return Person{}, "", err
	}
	if err := checkLanguage(n.Language); err != nil {
		return Person{}, "", err
	}
	if n.ID == uuid.Nil {
		if n.ID, err = a.cfg.NewID(); err != nil {
			return Person{}, "", err
		}
	}
	if login != "" {
		if n.Password, err = a.giveCredential(ctx, n.ID, n.Centre, login, n.Password); err != nil {
			return Person{}, "", err
		}
	}
	cols := map[string]any{"name": strings.TrimSpace(n.Name), "role": string(n.Role), "active": true}
	for col, v := range map[string]string{"login": login, "phone": n.Phone, "skills": n.Skills, "language": n.Language} {
		if v != "" {
			cols[col] = v
		}
	}
	_, err = a.cfg.Journal.Write(ctx, n.Centre, system(), []ledger.Edit{{Table: "person", Row: n.ID, Op: changelog.Insert, Cols: cols}})
	if err != nil {
		return Person{}, "", fmt.Errorf("create person: %w", err)
	}
	if err := a.note(ctx, by, "person-created", n.ID); err != nil {
		return Person{}, "", err
	}
	p := Person{ID: n.ID, Centre: n.Centre, Name: strings.TrimSpace(n.Name), Login: login, Role: n.Role, Language: n.Language, Active: true}
	return p, n.Password, nil
}

// People lists who somebody may see: an administrator everybody, the others
// their own stream.
func (a *Auth) People(ctx context.Context, by Person) ([]Person, error) {
	centre := by.Centre
	if by.Role == schema.Admin {
		centre = uuid.Nil
	} else if !slices.Contains([]schema.Role{schema.Clerk, schema.Supervisor, schema.Adjudicator}, by.Role) {
		return nil, fault.New(syncproto.Forbidden, "没有权限 · You may not list people")
	}
	accounts, err := a.cfg.Store.Accounts(ctx, centre)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	people := make([]Person, len(accounts))
	for i, acc := range accounts {
		people[i] = acc.Person
	}
	return people, nil
}

// Person finds one person; a NotFound fault for an unknown one. It checks no
// right to see them.
func (a *Auth) Person(ctx context.Context, id uuid.UUID) (Person, error) {
	acc, err := a.cfg.Store.AccountByID(ctx, id)
	return acc.Person, err
}

// SetPassword gives another person a password, made up where it is empty, and
// answers it. It ends the person's sessions. A person of another centre is a
// NotFound fault.
func (a *Auth) SetPassword(ctx context.Context, by Person, person uuid.UUID, password string) (string, error) {
	p, err := a.managed(ctx, by, person)
	if err != nil {
		return "", err
	}
	if p.Login == "" {
		return "", fault.New(fault.Invalid, "此人员没有登录名 · This person has no sign-in name")
	}
	if password, err = a.giveCredential(ctx, p.ID, p.Centre, p.Login, password); err != nil {
		return "", err
	}
	return password, a.note(ctx, by, "password-set", p.ID)
}

// ChangePassword lets a person choose a new password by giving the old one. It
// ends all sessions of the person, this one too.
func (a *Auth) ChangePassword(ctx context.Context, p Person, remote, old, password string) error {
	acc, err := a.check(ctx, p.Login, old, remote)
	if err != nil {
		return err
	}
	if acc.ID != p.ID {
		return wrongSignIn()
	}
	if password == "" {
		return checkPassword(p.Login, password)
	}
	if _, err = a.giveCredential(ctx, acc.ID, acc.Centre, acc.Login, password); err != nil {
		return err
	}
	return a.note(ctx, p, "password-changed", p.ID)
}

// SetActive disables a person, or lets them in again. A disabled person's
// sessions end, and their phones count as revoked, from the next call on.
func (a *Auth) SetActive(ctx context.Context, by Person, person uuid.UUID, active bool) error {
	p, err := a.managed(ctx, by, person)
	if err != nil {
		return err
	}
	if p.Active == active {
		return nil
	}
	if err := a.editPerson(ctx, by, p, "active", p.Active, active); err != nil {
		return err
	}
	if active {
		return a.note(ctx, by, "person-enabled", person)
	}
	if err := a.cfg.Store.EndSessions(ctx, person); err != nil {
		return err
	}
	return a.note(ctx, by, "person-disabled", person)
}

// SetLanguage stores the language a person chose for themselves.
func (a *Auth) SetLanguage(ctx context.Context, p Person, language string) error {
	if err := checkLanguage(language); err != nil {
		return err
	}
	if p.Language == language {
		return nil
	}
	var was any
	if p.Language != "" {
		was = p.Language
	}
	return a.editPerson(ctx, p, p, "language", was, language)
}

func (a *Auth) editPerson(ctx context.Context, by, p Person, col string, was, value any) error {
	_, err := a.cfg.Journal.Write(ctx, p.Centre, system(), []ledger.Edit{{
		Table: "person", Row: p.ID, Op: changelog.Update,
		Cols: map[string]any{col: value}, Was: map[string]any{col: was},
	}})
	if err != nil {
		return fmt.Errorf("change person: %w", err)
	}
	return nil
}

// managed finds a person whom by may manage. One of another centre is not
// there, as far as by can tell.
func (a *Auth) managed(ctx context.Context, by Person, person uuid.UUID) (Person, error) {
	p, err := a.Person(ctx, person)
	if err != nil {
		return Person{}, err
	}
	if by.Role != schema.Admin && by.Centre != p.Centre {
		return Person{}, unknownPerson()
	}
	if !manages(by, p.Centre, p.Role) {
		return Person{}, fault.New(syncproto.Forbidden, "没有权限管理此人员 · You may not change this person")
	}
	return p, nil
}

func (a *Auth) giveCredential(ctx context.Context, person, centre uuid.UUID, login, password string) (string, error) {
	if password == "" {
		b, err := a.random(16) // 80 bits
		if err != nil {
			return "", err
		}
		password = strings.ToLower(spell(b))
	}
	if err := checkPassword(login, password); err != nil {
		return "", err
	}
	hash, err := a.hash(ctx, password)
	if err != nil {
		return "", err
	}
	err = a.cfg.Store.SetCredential(ctx, Credential{Person: person, Centre: centre, Login: login, Hash: hash, At: a.cfg.Now().UnixMilli()})
	if err != nil {
		return "", err
	}
	return password, nil
}

// cleanLogin gives the one form of a sign-in name: no case, no full-width
// letters (an input method makes them), no spaces at its ends.
func cleanLogin(login string) (string, error) {
	s := strings.ToLower(strings.TrimSpace(norm.NFKC.String(login)))
	if len(s) > 60 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", fault.New(fault.Invalid, "登录名最多 60 字节,不能有空格 · A sign-in name has at most 60 bytes and no spaces")
	}
	return s, nil
}

func checkLanguage(l string) error {
	if l == "" || l == "zh-CN" || l == "en" {
		return nil
	}
	return fault.New(fault.Invalid, "语言只能是 zh-CN 或 en · The language is zh-CN or en")
}

func unknownPerson() error {
	return fault.New(syncproto.NotFound, "没有此人员 · There is no such person")
}

// system is the author of the rows that the server itself writes; who asked
// for them is noted as an [Event].
func system() ledger.Author { return ledger.Author{Role: schema.Server} }
