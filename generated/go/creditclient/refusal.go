package creditclient

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Refusal is what the service says of a call that it did not do. docs/errors.md lists the reasons with their facts.
type Refusal struct {
	Code codes.Code
	// Such as INSUFFICIENT_CREDIT: an ErrorReason without its prefix.
	Reason string
	// The figures, such as required and available.
	Facts map[string]string
	// For people, in the language that the call's accept-language asked for.
	Text string
	// Which fields break which rules.
	Fields []*errdetails.BadRequest_FieldViolation
	// How long to wait before the same call is worth repeating; 0 if nothing was said of that.
	RetryAfter time.Duration
}

// RefusalOf returns what the service said, or nil if the error is another one, such as a connection that broke.
func RefusalOf(err error) *Refusal {
	told, ok := status.FromError(err)
	if !ok || told.Code() == codes.OK {
		return nil
	}
	refusal := &Refusal{Code: told.Code()}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			refusal.Reason, refusal.Facts = detail.GetReason(), detail.GetMetadata()
		case *errdetails.LocalizedMessage:
			refusal.Text = detail.GetMessage()
		case *errdetails.BadRequest:
			refusal.Fields = detail.GetFieldViolations()
		case *errdetails.RetryInfo:
			refusal.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	if refusal.Reason == "" {
		return nil
	}
	return refusal
}

// Amount returns a fact that is a whole number, and whether it is there.
func (r *Refusal) Amount(fact string) (int64, bool) {
	amount, err := strconv.ParseInt(r.Facts[fact], 10, 64)
	return amount, err == nil
}

func (r *Refusal) String() string { return fmt.Sprintf("%s %v", r.Reason, r.Facts) }
