package creditclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	creditv1 "github.com/creditd/creditd/generated/go/credit/v1"
)

// How long each call is tried: a restart of the service takes a few seconds. A hold that could not be given back expires.
const patience = 30 * time.Second

// Hold is credits that are held while work is under way.
type Hold struct {
	// As it was made.
	Reservation *creditv1.Reservation

	mutex sync.Mutex
	spent int64
	said  bool
}

// Spend says how much the work has used, in the credit type's smallest unit; several are added up. The sum is confirmed at
// the end and the rest given back; if nothing is said, all is confirmed. Fails, and adds nothing, beyond what is held.
func (h *Hold) Spend(amount int64) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if held := h.Reservation.GetAmount(); amount < 0 || amount > held-h.spent {
		return fmt.Errorf("%d are held and %d are spent: %d more cannot be", held, h.spent, amount)
	}
	h.spent += amount
	h.said = true
	return nil
}

func (h *Hold) toConfirm() int64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if !h.said {
		return h.Reservation.GetAmount()
	}
	return h.spent
}

// WithReservation reserves, does the work, and confirms what it said to be spent, or all. It refunds if the work fails or
// panics. While the work takes longer than the reservation lasts, the reservation is extended. It is returned as it ended.
//
// Each call keeps its request id until it is answered, Confirm and Refund also when ctx is over: a server that is restarted
// meanwhile loses nothing and spends nothing twice. The request's own request id, made if there is none, is that of the
// block, from which those of its calls are derived: a program that died in the block and begins again with the same id holds
// and spends once. A block that was refunded is over; another try takes another id. What the service refuses is told by
// RefusalOf.
func WithReservation(
	ctx context.Context, credits creditv1.CreditServiceClient, request *creditv1.ReserveRequest,
	work func(ctx context.Context, hold *Hold) error,
) (*creditv1.Reservation, error) {
	block := &block{credits: credits, requestID: request.GetRequestId()}
	if block.requestID == "" {
		block.requestID = newRequestID()
	}
	if err := block.reserve(ctx, request); err != nil {
		return nil, err
	}
	hold := &Hold{Reservation: block.held}
	stop := block.extending(ctx)
	worked := false
	defer func() {
		if !worked { // It panics, and goes on doing so.
			stop()
			_, _ = block.refund(ctx)
		}
	}()
	err := work(ctx, hold)
	worked = true
	stop()
	if amount := hold.toConfirm(); err == nil && amount > 0 {
		return block.confirm(ctx, amount)
	}
	refunded, refundErr := block.refund(ctx)
	return refunded, errors.Join(err, refundErr)
}

type block struct {
	credits   creditv1.CreditServiceClient
	requestID string
	held      *creditv1.Reservation
}

func (b *block) reserve(ctx context.Context, request *creditv1.ReserveRequest) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request = proto.CloneOf(request)
	request.RequestId = b.requestID + ".reserve"
	answer, err := repeated(ctx, b.credits.Reserve, request)
	b.held = answer.GetReservation()
	return err
}

func (b *block) confirm(ctx context.Context, amount int64) (*creditv1.Reservation, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request := &creditv1.ConfirmRequest{Name: b.held.GetName(), Amount: &amount, RequestId: b.requestID + ".confirm"}
	answer, err := repeated(ctx, b.credits.Confirm, request)
	return answer.GetReservation(), b.named(err)
}

func (b *block) refund(ctx context.Context) (*creditv1.Reservation, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request := &creditv1.RefundRequest{Name: b.held.GetName(), RequestId: b.requestID + ".refund"}
	answer, err := repeated(ctx, b.credits.Refund, request)
	return answer.GetReservation(), b.named(err)
}

func (b *block) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s, request id %s: %w", b.held.GetName(), b.requestID, err)
}

// extending gives the reservation its time again whenever half of it has passed, until what is returned is called; that
// waits for a call under way. One that cannot be extended is told of by its end.
func (b *block) extending(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		// By the server's clock: ours may be wrong.
		ttl := b.held.GetRemainingTtl().AsDuration()
		for left := ttl; left > 0; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(left / 2):
			}
			left = b.extend(ctx, ttl, left-left/2)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// extend returns how much time is left then; 0 if it failed.
func (b *block) extend(ctx context.Context, ttl, within time.Duration) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	request := &creditv1.ExtendReservationRequest{
		Name:       b.held.GetName(),
		Expiration: &creditv1.ExtendReservationRequest_Ttl{Ttl: durationpb.New(ttl)},
		RequestId:  newRequestID(),
	}
	answer, err := repeated(ctx, b.credits.ExtendReservation, request)
	if err != nil {
		return 0
	}
	return answer.GetReservation().GetRemainingTtl().AsDuration()
}
