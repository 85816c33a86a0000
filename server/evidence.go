package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"siteledger/server/auth"
	"siteledger/server/bundle"
)

// errUnanchored is a bundle that fits together while nobody said which key to
// trust.
var errUnanchored = errors.New("unanchored")

// verifyBundle checks an evidence bundle. It opens no data folder and no
// connection. Exit code 0: verified with the trusted key; 3: it fits together,
// but no key was given to trust; 1: it is broken.
func (p program) verifyBundle(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("verify-bundle", flag.ContinueOnError)
	fs.SetOutput(p.err)
	key := fs.String("key", "", "fingerprint of the server's key that you trust, as 'server key' or headquarters' first page shows it")
	asJSON := fs.Bool("json", false, "print one JSON object")
	fs.Usage = func() {
		fmt.Fprintf(p.err, "usage: go run ./server verify-bundle FILE [-key FINGERPRINT] [-json]\n")
		fs.PrintDefaults()
	}
	file, err := oneFile(fs, args)
	if err != nil {
		return err
	}
	if file == "" {
		return p.misuse(fs, "want one FILE")
	}
	var trusted *[32]byte
	if *key != "" {
		f, err := bundle.ParseFingerprint(*key)
		if err != nil {
			return p.misuse(fs, "%v", err)
		}
		trusted = &f
	}
	v, err := bundle.CheckFile(file, trusted)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	return p.tellBundle(v, *asJSON)
}

// oneFile takes the file and the flags in any order.
func oneFile(fs *flag.FlagSet, args []string) (string, error) {
	file := ""
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return "", err
			}
			return "", errUsage
		}
		if fs.NArg() == 0 {
			return file, nil
		}
		if file != "" {
			return "", nil
		}
		file, args = fs.Arg(0), fs.Args()[1:]
	}
}

func (p program) tellBundle(v bundle.Verdict, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(p.out).Encode(v); err != nil {
			return err
		}
	} else {
		p.sayBundle(v)
	}
	switch v.State {
	case bundle.Verified:
		return nil
	case bundle.Unanchored:
		return errUnanchored
	}
	return errFault
}

func (p program) sayBundle(v bundle.Verdict) {
	say := func(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }
	for _, f := range v.Findings {
		say("FAULT %s", f)
	}
	switch v.State {
	case bundle.Broken:
		say("不可信 · BROKEN: 这个证据包不是当初封签的样子 · this bundle is not as it was sealed")
		return
	case bundle.Unanchored:
		say("未锚定 · UNANCHORED: 内容前后一致,但没有给出可信的钥匙;请用 -key 给出指纹 · it fits together, but no key was given to trust; give its fingerprint with -key")
	default:
		say("已核对 · VERIFIED: 由可信的钥匙封签,一个字节也没有改动 · sealed with the trusted key, not a byte was changed")
	}
	say("工单 job %s (%s), 服务中心 centre %s", v.Job.Name, v.Job.ID, v.Centre.Name)
	say("日志 logs %d, 全文 whole changes %d, 摘要 digests %d, 签名 signatures %d, 收据 receipts %d, 文件 files %d, 缺 absent %d",
		v.Logs, v.Shown, v.Hidden, v.Signatures, v.Receipts, v.Attachments, v.Absent)
	say("钥匙指纹 key fingerprint %s", v.Fingerprint)
}

// key prints the fingerprint of the server's key, to be noted on paper.
func (p program) key(_ context.Context, args []string) error {
	fs, settings := p.flags("key", "data")
	cfg, err := p.parse(fs, settings, args)
	if err != nil {
		return err
	}
	if err := hasData(cfg); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, filepath.FromSlash(auth.KeyFile))); err != nil {
		return fmt.Errorf("server key: %w", err) // never make one here
	}
	keys, err := auth.OpenKeys(cfg.Data, nil)
	if err != nil {
		return err
	}
	for _, k := range keys.Public() {
		fmt.Fprintf(p.out, "%s  kid %s\n", bundle.Fingerprint(ed25519.PublicKey(k.PublicKey)), k.KID)
	}
	return nil
}
