package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"siteledger/server/auth"
	"siteledger/server/fault"
	"siteledger/syncproto"
)

// Access says who may call a route.
type Access int

// The kinds of access.
const (
	// Open needs no token.
	Open Access = iota
	// Device needs the token of a device that is not revoked.
	Device
	// Log needs a device's token; a revoked device's body is quarantined.
	Log
)

// Route is one line of the route table: everything that is true of it, for the
// router, the tests and /openapi.json alike.
type Route struct {
	Method  string
	Path    string // {name} for a part of the path
	Access  Access
	Summary string
	Query   []Param
	In      any      // sample of the body; nil for none
	InType  string   // its media type
	Packed  any      // sample of the body's other form, of type [syncproto.TypePacked]; nil for none
	Out     any      // sample of the answer; nil for one without a structure
	OutType []string // its media types
	Status  int      // of the answer when all is well

	handle func(c echo.Context, g auth.Grant) error
}

// Param is a query parameter.
type Param struct {
	Name, Type, Meaning string
}

// Routes is the whole route table.
func (s *Server) Routes() []Route {
	json, cbor := syncproto.TypeJSON, syncproto.TypeCBOR
	pages := []string{cbor, json}
	return []Route{
		{Method: "POST", Path: syncproto.PathEnrol, Access: Open, Summary: "Enrol a device with a one-time code, or let it come back under its id",
			In: syncproto.EnrolRequest{}, InType: json, Out: syncproto.EnrolAnswer{}, OutType: []string{json}, Status: 201, handle: s.enrol},
		{Method: "POST", Path: syncproto.PathToken, Access: Open, Summary: "Renew the access token",
			In: syncproto.TokenRequest{}, InType: json, Out: syncproto.TokenAnswer{}, OutType: []string{json}, Status: 200, handle: s.token},
		{Method: "POST", Path: syncproto.PathReceipts, Access: Device, Summary: "Lease a new block of receipt numbers",
			Out: syncproto.ReceiptsAnswer{}, OutType: []string{json}, Status: 200, handle: s.receipts},
		{Method: "GET", Path: syncproto.PathSchema, Access: Open, Summary: "The schema descriptor",
			Query:   []Param{{"version", "integer", "an earlier version; the newest where absent"}},
			OutType: []string{json}, Status: 200, handle: s.schema},
		{Method: "POST", Path: syncproto.PathPush, Access: Log, Summary: "Push changes of a log; acknowledged ones are on disk",
			In: syncproto.PushRequest{}, InType: cbor, Packed: syncproto.PackedRequest{}, Out: syncproto.PushAnswer{}, OutType: []string{cbor}, Status: 200, handle: s.push},
		{Method: "GET", Path: syncproto.PathPull, Access: Device, Summary: "Pull one page of what changed for this device",
			Query: []Param{{"cursor", "string", "from the last page; absent for a cold start"}, {"limit", "integer", "rows of the page"}, {"schema", "integer", "schema version of the reader"}},
			Out:   pageSample{}, OutType: pages, Status: 200, handle: s.pull},
		{Method: "POST", Path: syncproto.PathRepair, Access: Device, Summary: "Give anew the roots whose checksums differ",
			Query: []Param{{"schema", "integer", "schema version of the reader"}},
			In:    RepairRequest{}, InType: json, Out: pageSample{}, OutType: pages, Status: 200, handle: s.repair},
		{Method: "GET", Path: syncproto.PathEvents, Access: Device, Summary: "Server-sent events: a poke when there is something to pull",
			OutType: []string{"text/event-stream"}, Status: 200, handle: s.events},
		{Method: "POST", Path: syncproto.PathBlobPlan, Access: Device, Summary: "Plan the upload of photos and pictures",
			In: syncproto.PlanRequest{}, InType: json, Out: syncproto.PlanAnswer{}, OutType: []string{json}, Status: 200, handle: s.plan},
		{Method: "POST", Path: syncproto.PathBlobCommit, Access: Device, Summary: "Have uploaded bytes checked and get a receipt",
			In: syncproto.CommitRequest{}, InType: json, Out: syncproto.CommitAnswer{}, OutType: []string{json}, Status: 200, handle: s.commit},
		{Method: "GET", Path: syncproto.PathBlobs + "{sha256}", Access: Device, Summary: "Go to the bytes of a blob that a visible row names",
			Status: 303, handle: s.blob},
		{Method: "GET", Path: "/healthz", Access: Open, Summary: "The process is alive", Out: Health{}, OutType: []string{json}, Status: 200, handle: s.healthz},
		{Method: "GET", Path: "/readyz", Access: Open, Summary: "The store can be written and the storage reached; 503 otherwise", Out: Health{}, OutType: []string{json}, Status: 200, handle: s.readyz},
		{Method: "GET", Path: "/metrics", Access: Open, Summary: "Metrics in Prometheus' text form", OutType: []string{"text/plain"}, Status: 200, handle: s.metricsPage},
		{Method: "GET", Path: "/openapi.json", Access: Open, Summary: "This description", OutType: []string{json}, Status: 200, handle: s.openapiPage},
	}
}

// pattern writes the path as echo wants it.
func (r Route) pattern() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(r.Path)
}

// enter lets in who may call the route.
func (s *Server) enter(r Route) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		c.Response().Header().Set(syncproto.HeaderAcceptPush, syncproto.TypePacked)
		var g auth.Grant
		if r.Access != Open {
			var err error
			if g, err = s.grant(c); err != nil {
				return err
			}
			c.Set(deviceKey, g.Device.ID.String())
			if g.Device.Revoked && r.Access != Log {
				return fault.New(syncproto.TokenInvalid, "此设备已注销 · This device was signed out by the office")
			}
		}
		return r.handle(c, g)
	}
}

// grant reads the bearer token. One in a query or a cookie is not looked at.
func (s *Server) grant(c echo.Context) (auth.Grant, error) {
	token, ok := bearer(c.Request())
	if !ok {
		return auth.Grant{}, fault.New(syncproto.TokenInvalid, "需要访问令牌 · An access token is needed")
	}
	return s.cfg.Auth.Grant(c.Request().Context(), token)
}

// bearer finds the request's access token; false unless there is just one.
func bearer(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string            `json:"status"` // ok or failing
	Checks map[string]string `json:"checks,omitempty"`
}

// RepairRequest is the body of a repair: what the phone has of each root.
type RepairRequest struct {
	Roots []RepairRoot `json:"roots"`
}

// RepairRoot is one root's count and checksum, as the phone has them.
type RepairRoot struct {
	Root  string `json:"root"`
	Count int    `json:"count"`
	Sum   string `json:"sum"`
}

var _ http.Handler = (*Server)(nil)
