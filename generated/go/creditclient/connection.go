// Package creditclient holds credits around a piece of work, and calls the credit service as it asks to be called.
//
// Everything else is in the generated package creditv1 beside it, whose stubs take the connection that Connect opens.
package creditclient

import (
	"context"
	_ "embed"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// What is retried, how often and how soon: docs/service_config.json, which all languages follow. gRPC itself heeds the
// server's push-back (grpc-retry-pushback-ms): it waits as long as it is told, and stops where a retry cannot help.
//
//go:embed service_config.json
var serviceConfig string

const (
	// The server closes no connection that pings this often, and load balancers drop those that are silent for minutes.
	pingEvery = 30 * time.Second
	// A connection on which no ping is answered for as long is dead, and another one is made.
	pingTimeout = 5 * time.Second
	// A server that was restarted is back within seconds; gRPC by itself would come to wait two minutes.
	longestReconnectDelay = 2 * time.Second
)

// A TokenSource returns the bearer token for a call. It is asked before each call, so that it may refresh the token, and
// has to keep it as long as it is good.
type TokenSource func(ctx context.Context) (string, error)

// Connect returns a connection to the service, for the stubs of creditv1. It connects when it is first used.
//
// Options say how it is encrypted (grpc.WithTransportCredentials), and whatever else gRPC knows. A token is sent in plain
// text to this machine alone. token may be nil where a client certificate says who calls.
func Connect(target string, token TokenSource, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	reconnecting := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 5 * time.Second}
	reconnecting.Backoff.MaxDelay = longestReconnectDelay
	ours := []grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithChainUnaryInterceptor(RequestIDs),
		grpc.WithConnectParams(reconnecting),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: pingEvery, Timeout: pingTimeout, PermitWithoutStream: true,
		}),
	}
	if token != nil {
		ours = append(ours, grpc.WithPerRPCCredentials(bearer{token, isThisMachine(target)}))
	}
	return grpc.NewClient(target, append(ours, options...)...)
}

type bearer struct {
	token TokenSource
	plain bool
}

var _ credentials.PerRPCCredentials = bearer{}

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return !b.plain }

func isThisMachine(target string) bool {
	host, _, err := net.SplitHostPort(target[strings.LastIndex(target, "/")+1:])
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
