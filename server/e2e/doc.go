// Package e2e holds what is checked of the whole: the arrows between packages
// and the modules that each program may contain, the programs as processes of
// their own with kill -9 in the middle, and the story in a browser. Its folder
// all is the one command that checks everything.
//
// It has no code of its own, only tests; nothing imports it.
package e2e
