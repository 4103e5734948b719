package repository_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// standInEnv names the environment variable with the arguments of a stand-in for a DynamoDB server.
// With the variable set, this test binary is the stand-in.
const standInEnv = "COUNTERSIGN_STAND_IN"

// standIn listens on the port of its arguments until the process ends.
func standIn(arguments string) {
	_, port, _ := strings.Cut(arguments, "--port ")
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	for err == nil {
		_, err = l.Accept()
	}
	os.Exit(1)
}

// TestWithDynamoDBScript: the script starts a server on a free port below those that Linux gives to
// connections. It stops the server, and ends with the result of its command.
func TestWithDynamoDBScript(t *testing.T) {
	version := regexp.MustCompile(`(?m)^version=(\S+)$`).FindStringSubmatch(read(t, "scripts/with-dynamodb.sh"))[1]
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("DYNAMODB_ENDPOINT", "")
	tools := filepath.Join(cache, "countersign", "tools")
	if err := os.MkdirAll(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	server := "#!/bin/sh\n" + standInEnv + "=\"$*\" exec '" + os.Args[0] + "'\n"
	if err := os.WriteFile(filepath.Join(tools, "dynoxide-"+version), []byte(server), 0o700); err != nil {
		t.Fatal(err)
	}
	with := func(command string) (string, bool) {
		t.Helper()
		said, ok := scripted(t, "", map[string]string{"scripts/tools.sh": read(t, "scripts/tools.sh")}, "with-dynamodb.sh", "bash", "-c", command)
		return strings.TrimSpace(said), ok
	}
	for range 3 {
		said, ok := with(`echo $DYNAMODB_ENDPOINT && exec 3<>/dev/tcp/127.0.0.1/${DYNAMODB_ENDPOINT##*:}`)
		if !ok || !regexp.MustCompile(`^http://127\.0\.0\.1:([12]\d{4}|3[01]\d{3})$`).MatchString(said) {
			t.Fatalf("passes %v with the endpoint %q", ok, said)
		}
		if c, err := net.Dial("tcp", strings.TrimPrefix(said, "http://")); err == nil {
			t.Errorf("%s still answers (error of closing: %v)", said, c.Close())
		}
	}
	if said, ok := with("exit 3"); ok {
		t.Errorf("passes though the command fails: %s", said)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	t.Setenv("DYNAMODB_PORT", port)
	if said, ok := with("true"); ok || !strings.Contains(said, port) {
		t.Errorf("the port %s is taken: passes %v, and says %q", port, ok, said)
	}
	t.Setenv("DYNAMODB_ENDPOINT", "http://localhost:1")
	if said, ok := with("echo $DYNAMODB_ENDPOINT"); !ok || said != "http://localhost:1" {
		t.Errorf("an endpoint that is given: passes %v, and says %q", ok, said)
	}
}
