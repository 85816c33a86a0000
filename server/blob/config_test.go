package blob

import "testing"

// The storage's connection must not be led to a metadata service or, by a name
// that changes its address, into this machine.
func TestAddressesThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		address  string
		loopback bool
		ok       bool
	}{
		{"10.1.2.3:9000", false, true},
		{"203.0.113.9:443", false, true},
		{"127.0.0.1:9000", true, true},
		{"[::1]:9000", true, true},
		{"127.0.0.1:9000", false, false},
		{"[::1]:9000", false, false},
		{"[::ffff:127.0.0.1]:9000", false, false},
		{"169.254.169.254:80", false, false},
		{"169.254.169.254:80", true, false},
		{"[::ffff:169.254.169.254]:80", true, false},
		{"[fe80::1]:80", true, false},
		{"[fd00:ec2::254]:80", true, false},
		{"0.0.0.0:80", true, false},
		{"[::]:80", true, false},
		{"224.0.0.1:80", true, false},
		{"name:80", true, false},
	} {
		if err := allowAddress(tc.address, tc.loopback); (err == nil) != tc.ok {
			t.Errorf("%s (loopback %v): %v, want allowed = %v", tc.address, tc.loopback, err, tc.ok)
		}
	}
}

func TestGuardedTransportDialsNoMetadataService(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "storage.example"} {
		conn, err := guardedTransport(host).DialContext(t.Context(), "tcp", "169.254.169.254:80")
		if err == nil {
			conn.Close()
			t.Fatal("connected")
		}
	}
}
