package creditclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	creditv1 "github.com/creditd/creditd/generated/go/credit/v1"
	"github.com/creditd/creditd/generated/go/creditclient"
)

// What tests/languages in the repository of the service hands to the runner of each language; its README explains steps.
type arrangement struct {
	Cases   []testCase
	Servers map[string]string
	CA      string
	Tokens  map[string]string
	Control string
	Results string
	Prefix  string
}

type testCase struct {
	Name   string
	Server string
	Steps  []json.RawMessage
}

type step struct {
	Call         string
	As           string
	Request      json.RawMessage
	DeadlineMS   int `json:"deadline_ms"`
	Expect       any
	Refused      *refused
	Replayed     bool
	Save         map[string]string
	Watch        json.RawMessage
	During       []json.RawMessage
	Messages     []any
	Code         string
	Health       *string
	Block        json.RawMessage
	Spend        []string
	Fails        bool
	LastsMS      int    `json:"lasts_ms"`
	SaveName     string `json:"save_name"`
	Blocks       int
	AtOnce       int     `json:"at_once"`
	FailsEvery   int     `json:"fails_every"`
	RestartAfter []int64 `json:"restart_after"`
	Restart      bool
}

type refused struct {
	Code   string
	Reason string
	Facts  map[string]string
}

const callTimeout = 30 * time.Second

var errOfTheWork = errors.New("the work fails")

func TestCases(t *testing.T) {
	file := os.Getenv("CREDIT_CASES")
	if file == "" {
		t.Skip("CREDIT_CASES is not set: `make languages` in the repository of the service runs these against a server")
	}
	var given arrangement
	text, err := os.ReadFile(file)
	check(t, err)
	check(t, json.Unmarshal(text, &given))
	for number, one := range given.Cases {
		passed := t.Run(one.Name, func(t *testing.T) {
			runner := &runner{t, given, one.Server, map[string]*grpc.ClientConn{}, map[string]string{
				"account": fmt.Sprintf("%s-%d", given.Prefix, number),
			}}
			runner.steps(one.Steps)
		})
		if passed {
			note(t, given.Results, one.Name)
		}
	}
}

func note(t *testing.T, results, name string) {
	file, err := os.OpenFile(results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(t, err)
	_, err = fmt.Fprintln(file, name)
	check(t, errors.Join(err, file.Close()))
}

type runner struct {
	*testing.T
	given       arrangement
	server      string
	connections map[string]*grpc.ClientConn
	saved       map[string]string
}

func (r *runner) steps(steps []json.RawMessage) {
	for _, raw := range steps {
		text := string(raw)
		for name, value := range r.saved {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
		var one step
		check(r.T, json.Unmarshal([]byte(text), &one))
		switch {
		case one.Call != "":
			r.call(one)
		case one.Watch != nil:
			r.watch(one)
		case one.Health != nil:
			r.health(one)
		case one.Blocks > 0:
			r.blocks(one)
		case one.Block != nil:
			r.block(one)
		case one.Restart:
			r.restart()
		default:
			r.Fatalf("no such step: %s", text)
		}
	}
}

func (r *runner) connection(as string) *grpc.ClientConn {
	if as == "" {
		as = "service"
	}
	if r.connections[as] == nil {
		secured := insecure.NewCredentials()
		server := r.server
		if server == "tls" {
			authority, err := credentials.NewClientTLSFromFile(r.given.CA, "")
			check(r.T, err)
			secured = authority
		} else {
			server = "plain"
		}
		token := func(context.Context) (string, error) { return r.given.Tokens[as], nil }
		connection, err := creditclient.Connect(
			r.given.Servers[server], token, grpc.WithTransportCredentials(secured))
		check(r.T, err)
		r.Cleanup(func() { _ = connection.Close() })
		r.connections[as] = connection
	}
	return r.connections[as]
}

func (r *runner) call(one step) {
	service, method, _ := strings.Cut(one.Call, "/")
	name := protoreflect.FullName("credit.v1." + service + "." + method)
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	check(r.T, err)
	described := found.(protoreflect.MethodDescriptor)
	request, answer := made(r.T, described.Input()), made(r.T, described.Output())
	check(r.T, protojson.Unmarshal(one.Request, request))
	ctx, cancel := context.WithTimeout(context.Background(), deadline(one))
	defer cancel()
	var trailer metadata.MD
	err = r.connection(one.As).Invoke(ctx, "/credit.v1."+one.Call, request, answer, grpc.Trailer(&trailer))
	if one.Refused != nil {
		r.refused(one.Refused, err)
		return
	}
	check(r.T, err)
	got := asJSON(r.T, answer)
	r.holds(one.Expect, got)
	if replayed := len(trailer.Get("replayed")) > 0; replayed != one.Replayed {
		r.Fatalf("replayed: %v", replayed)
	}
	for name, path := range one.Save {
		value := got
		for _, key := range strings.Split(path, ".") {
			value = value.(map[string]any)[key]
		}
		r.saved[name] = value.(string)
	}
}

func (r *runner) watch(one step) {
	request := &creditv1.WatchBalanceRequest{}
	check(r.T, protojson.Unmarshal(one.Watch, request))
	ctx, cancel := context.WithTimeout(context.Background(), deadline(one))
	defer cancel()
	stream, err := creditv1.NewCreditServiceClient(r.connection(one.As)).WatchBalance(ctx, request)
	check(r.T, err)
	for number, expected := range one.Messages {
		message, err := stream.Recv()
		check(r.T, err)
		r.holds(expected, asJSON(r.T, message))
		if number == 0 {
			r.steps(one.During)
		}
	}
	if one.Code != "" {
		_, err := stream.Recv()
		r.refused(&refused{Code: one.Code}, err)
	}
}

func (r *runner) health(one step) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	request := &healthv1.HealthCheckRequest{Service: *one.Health}
	answer, err := healthv1.NewHealthClient(r.connection(one.As)).Check(ctx, request)
	check(r.T, err)
	r.holds(one.Expect, asJSON(r.T, answer))
}

func (r *runner) block(one step) {
	request := &creditv1.ReserveRequest{}
	check(r.T, protojson.Unmarshal(one.Block, request))
	credits := creditv1.NewCreditServiceClient(r.connection(one.As))
	work := func(_ context.Context, hold *creditclient.Hold) error {
		if one.SaveName != "" {
			r.saved[one.SaveName] = hold.Reservation.GetName()
		}
		r.steps(one.During)
		time.Sleep(time.Duration(one.LastsMS) * time.Millisecond)
		for _, amount := range one.Spend {
			check(r.T, hold.Spend(number(r.T, amount)))
		}
		if one.Fails {
			return errOfTheWork
		}
		return nil
	}
	_, err := creditclient.WithReservation(context.Background(), credits, request, work)
	switch {
	case one.Refused != nil:
		r.refused(one.Refused, err)
	case one.Fails && !errors.Is(err, errOfTheWork) || !one.Fails && err != nil:
		r.Fatalf("the block ends with %v", err)
	}
}

// blocks does many at once, and restarts the server after some of them: each has to end as if nothing had happened.
func (r *runner) blocks(one step) {
	r.connection("service")
	var begun, ended atomic.Int64
	var workers sync.WaitGroup
	problems := make(chan error, 2*one.Blocks)
	for range one.AtOnce {
		workers.Go(func() {
			for number := begun.Add(1); number <= int64(one.Blocks); number = begun.Add(1) {
				if err := r.oneOfMany(one, number%int64(one.FailsEvery) == 0); err != nil {
					problems <- fmt.Errorf("block %d: %w", number, err)
				}
				if slices.Contains(one.RestartAfter, ended.Add(1)) {
					if err := r.restarted(); err != nil {
						problems <- err
					}
				}
			}
		})
	}
	workers.Wait()
	close(problems)
	for err := range problems {
		r.Error(err)
	}
	if r.Failed() {
		r.FailNow()
	}
}

func (r *runner) oneOfMany(one step, fails bool) error {
	request := &creditv1.ReserveRequest{}
	if err := protojson.Unmarshal(one.Block, request); err != nil {
		return err
	}
	work := func(_ context.Context, hold *creditclient.Hold) error {
		if fails {
			return errOfTheWork
		}
		return hold.Spend(number(r.T, one.Spend[0]))
	}
	credits := creditv1.NewCreditServiceClient(r.connections["service"])
	_, err := creditclient.WithReservation(context.Background(), credits, request, work)
	if fails && err != nil && err.Error() == errOfTheWork.Error() {
		return nil
	}
	return err
}

func (r *runner) restart() { check(r.T, r.restarted()) }

// restarted returns when the server was killed, and before it is back.
func (r *runner) restarted() error {
	answer, err := http.Get(r.given.Control + "/restart")
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (r *runner) refused(expected *refused, err error) {
	r.Helper()
	if code := upperSnake(status.Code(err)); code != expected.Code {
		r.Fatalf("%s instead of %s: %v", code, expected.Code, err)
	}
	if expected.Reason == "" {
		return
	}
	refusal := creditclient.RefusalOf(err)
	if refusal == nil || refusal.Reason != expected.Reason {
		r.Fatalf("%v instead of %s", refusal, expected.Reason)
	}
	for fact, value := range expected.Facts {
		if refusal.Facts[fact] != value {
			r.Fatalf("%s is %q instead of %q", fact, refusal.Facts[fact], value)
		}
	}
}

func (r *runner) holds(expected, got any) {
	r.Helper()
	if !contains(got, expected) {
		r.Fatalf("%v does not hold %v", got, expected)
	}
}
