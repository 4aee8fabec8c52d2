// Command wordexecutor is an executor to learn from: it counts the words of {"text": "..."}, a credit for each.
//
// It keeps what docs/executors.md asks for. A run is known by its id alone: while it works, whoever asks again waits for the
// same end; afterwards the result is in a file, also after a restart.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	executorv1 "github.com/creditd/creditd/generated/go/credit/executor/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

const (
	// kept is how long a result is kept after the deadline of its run, as the contract has it.
	kept = 24 * time.Hour
	// givenUpKept is the same from now on of a run that was given up before it has come: nobody has told its deadline.
	givenUpKept = 30 * 24 * time.Hour
	// between is the time between two messages of progress.
	between = 200 * time.Millisecond
)

// run is a run at work. end is closed when its result is kept.
type run struct {
	stop    context.CancelFunc
	end     chan struct{}
	perCent int32
}

type executor struct {
	executorv1.UnimplementedExecutorServiceServer
	folder string
	word   time.Duration
	mutex  sync.Mutex
	atWork map[string]*run
}

// Execute runs a run, or waits for it if it runs, or tells its result again.
func (e *executor) Execute(
	request *executorv1.ExecuteRequest, stream executorv1.ExecutorService_ExecuteServer,
) error {
	// The work is not this call's: that may go away, and another one come for it.
	work, err := e.begun(request)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for work != nil {
		select {
		case <-work.end:
			work = nil
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-ticker.C:
			e.mutex.Lock()
			perCent := work.perCent
			e.mutex.Unlock()
			progress := &executorv1.ExecutionProgress{Percent: &perCent, Message: "counting"}
			told := &executorv1.ExecuteResponse{Update: &executorv1.ExecuteResponse_Progress{Progress: progress}}
			if err := stream.Send(told); err != nil {
				return err
			}
		}
	}
	result, err := e.result(request.GetRunId())
	if err != nil {
		return err
	}
	return stream.Send(result)
}

// Cancel stops a run. One that has not come is not begun when it comes: it has this result then.
func (e *executor) Cancel(_ context.Context, request *executorv1.CancelRequest) (*executorv1.CancelResponse, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if err := e.keep(request.GetRunId(), failed("CANCELLED", request.GetWhy()), time.Now().Add(givenUpKept)); err != nil {
		return nil, err
	}
	if work := e.atWork[request.GetRunId()]; work != nil {
		work.stop()
	}
	return &executorv1.CancelResponse{}, nil
}

// begun returns the run at work, which it begins if it has to; nil if there is a result.
func (e *executor) begun(request *executorv1.ExecuteRequest) (*run, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if work := e.atWork[request.GetRunId()]; work != nil {
		return work, nil
	}
	if _, err := e.result(request.GetRunId()); !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ctx, stop := context.WithDeadline(context.Background(), request.GetDeadline().AsTime())
	work := &run{stop: stop, end: make(chan struct{})}
	e.atWork[request.GetRunId()] = work
	go e.work(ctx, work, request)
	return work, nil
}

func (e *executor) work(ctx context.Context, work *run, request *executorv1.ExecuteRequest) {
	result := e.counted(ctx, work, request)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if err := e.keep(request.GetRunId(), result, request.GetDeadline().AsTime().Add(kept)); err != nil {
		// Whoever waits finds no result, and asks again.
		log.Print(err)
	}
	work.stop()
	delete(e.atWork, request.GetRunId())
	close(work.end)
}

func (e *executor) counted(ctx context.Context, work *run, request *executorv1.ExecuteRequest) *executorv1.ExecuteResponse {
	var input struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(request.GetInput(), &input); err != nil || input.Text == nil {
		return failed("INPUT_UNREADABLE", `it is to be {"text": "..."}`)
	}
	words := int64(len(strings.Fields(*input.Text)))
	if words > request.GetHeldAmount() {
		return failed("TOO_MANY_WORDS", fmt.Sprintf("%d words, and credits for %d", words, request.GetHeldAmount()))
	}
	for number := range words {
		select {
		case <-ctx.Done():
			return failed("TOO_LATE", "its time was over before all words were counted")
		case <-time.After(e.word):
		}
		e.mutex.Lock()
		work.perCent = int32(100 * number / words)
		e.mutex.Unlock()
	}
	output := fmt.Appendf(nil, `{"words": %d}`, words)
	success := &executorv1.ExecutionSuccess{UsedAmount: &words, Output: output}
	return &executorv1.ExecuteResponse{Update: &executorv1.ExecuteResponse_Success{Success: success}}
}

// result returns the result that is kept of a run; os.ErrNotExist if there is none.
func (e *executor) result(runID string) (*executorv1.ExecuteResponse, error) {
	content, err := os.ReadFile(e.file(runID))
	if err != nil {
		return nil, err
	}
	result := &executorv1.ExecuteResponse{}
	return result, proto.Unmarshal(content, result)
}

// keep keeps a result, unless there is one. It is on disk, whole, before it is told. The file's time of change is when it may
// be forgotten.
func (e *executor) keep(runID string, result *executorv1.ExecuteResponse, until time.Time) error {
	if _, err := e.result(runID); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	content, err := proto.Marshal(result)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(e.folder, "*.new")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Chtimes(file.Name(), until, until); err != nil {
		return err
	}
	return os.Rename(file.Name(), e.file(runID))
}

func (e *executor) file(runID string) string {
	// The service's run ids have no slash in them; what else calls here is not to write elsewhere.
	return filepath.Join(e.folder, filepath.Base("run-"+strings.ReplaceAll(runID, "/", "_")+".result"))
}

// forget removes the results whose time is over.
func (e *executor) forget() error {
	files, err := filepath.Glob(filepath.Join(e.folder, "*.result"))
	for _, file := range files {
		if known, err := os.Stat(file); err == nil && known.ModTime().Before(time.Now()) {
			err = os.Remove(file)
			if err != nil {
				return err
			}
		}
	}
	return err
}

func failed(reason, message string) *executorv1.ExecuteResponse {
	failure := &executorv1.ExecutionFailure{Reason: reason, Message: message}
	return &executorv1.ExecuteResponse{Update: &executorv1.ExecuteResponse_Failure{Failure: failure}}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:7001", "host:port; in plaintext, and so for this machine alone")
	folder := flag.String("folder", "runs", "where results are kept")
	word := flag.Float64("word-seconds", 0, "how long a word takes")
	flag.Parse()
	if err := serve(*listen, *folder, time.Duration(*word*float64(time.Second))); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, folder string, word time.Duration) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	e := &executor{folder: folder, word: word, atWork: map[string]*run{}}
	if err := e.forget(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	executorv1.RegisterExecutorServiceServer(server, e)
	fmt.Printf("executing on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}
