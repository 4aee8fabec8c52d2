package creditclient

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// Of one try: far longer than an answer takes, and short enough to notice a server that is gone without a word.
	tryTimeout = 5 * time.Second

	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second

	never = time.Duration(-1)
)

// repeated makes a call that has a request id until there is an answer to it, while ctx lasts. gRPC's own retries are over
// within a second or so; a server that is restarted takes longer, and what is held has to be settled.
func repeated[Request, Answer any](
	ctx context.Context, call func(context.Context, Request, ...grpc.CallOption) (Answer, error), request Request,
) (Answer, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		var trailer metadata.MD
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		answer, err := call(try, request, grpc.Trailer(&trailer), grpc.WaitForReady(true))
		cancel()
		if err == nil {
			return answer, nil
		}
		wait := waitAfter(status.Code(err), trailer, pause)
		if end, ok := ctx.Deadline(); wait == never || ok && time.Until(end) < wait {
			return answer, err
		}
		select {
		case <-ctx.Done():
			return answer, err
		case <-time.After(wait):
		}
	}
}

// waitAfter says how long to wait before the next try. All that the service itself says carries a push-back; what carries
// none comes from a connection that broke or a server that is stopping, and whether the call was carried out is not known.
func waitAfter(code codes.Code, trailer metadata.MD, pause time.Duration) time.Duration {
	byOurselves := pause/2 + rand.N(pause/2)
	said := trailer.Get("grpc-retry-pushback-ms")
	switch {
	case code == codes.DeadlineExceeded: // That of the try, whoever noticed it first; ctx has one of its own.
		return byOurselves
	case len(said) > 0:
		if milliseconds, err := strconv.Atoi(said[0]); err == nil && milliseconds >= 0 {
			return time.Duration(milliseconds) * time.Millisecond
		}
	case code == codes.Unavailable, code == codes.Canceled:
		return byOurselves
	}
	return never
}
