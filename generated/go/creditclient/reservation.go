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
	// Whether a run before of the same block was confirmed: whatever is spent, nothing more is charged or given back.
	IsPaid bool

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
// and spends once. One that a run before has refunded, or that has expired, is refused before any work (RESERVATION_REFUNDED,
// RESERVATION_EXPIRED): another try takes another id. One that was confirmed is paid, whatever it spends now. An id belongs
// to one run at a time. What the service refuses is told by RefusalOf.
func WithReservation(
	ctx context.Context, credits creditv1.CreditServiceClient, request *creditv1.ReserveRequest,
	work func(ctx context.Context, hold *Hold) error,
) (*creditv1.Reservation, error) {
	block := &block{credits: credits, requestID: request.GetRequestId()}
	if block.requestID == "" {
		block.requestID = newRequestID()
	}
	if err := block.begin(ctx, request); err != nil {
		return nil, err
	}
	hold := &Hold{Reservation: block.held, IsPaid: block.isPaid}
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
	left      time.Duration
	isPaid    bool
}

// begin reserves. Of a block whose request id is its caller's a run before may have held the credits already, and ended: it
// is asked for time anew.
func (b *block) begin(ctx context.Context, request *creditv1.ReserveRequest) error {
	err := b.reserve(ctx, request)
	// By the server's clock: ours may be wrong.
	b.left = b.held.GetRemainingTtl().AsDuration()
	if err != nil || request.GetRequestId() == "" {
		return err
	}
	b.left, err = b.extend(ctx, patience)
	if refusal := RefusalOf(err); refusal != nil && refusal.Reason == "RESERVATION_CONFIRMED" {
		b.isPaid = true
		return nil
	}
	return b.named(err)
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
	if b.isPaid {
		return b.held, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request := &creditv1.ConfirmRequest{Name: b.held.GetName(), Amount: &amount, RequestId: b.requestID + ".confirm"}
	answer, err := repeated(ctx, b.credits.Confirm, request)
	return answer.GetReservation(), b.named(err)
}

func (b *block) refund(ctx context.Context) (*creditv1.Reservation, error) {
	if b.isPaid {
		return b.held, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	request := &creditv1.RefundRequest{Name: b.held.GetName(), RequestId: b.requestID + ".refund", PendingOnly: true}
	answer, err := repeated(ctx, b.credits.Refund, request)
	if refusal := RefusalOf(err); refusal != nil {
		switch refusal.Reason {
		// What was to be given back is back; or another run by the same request id has paid, and nothing of that is taken back.
		case "RESERVATION_EXPIRED", "RESERVATION_REFUNDED", "RESERVATION_CONFIRMED":
			return b.held, nil
		}
	}
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
		for left := b.left; left > 0 && !b.isPaid; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(left / 2):
			}
			left, _ = b.extend(ctx, left-left/2)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// extend gives the reservation the time again that it was made for; it returns how much is left then, 0 if it failed.
func (b *block) extend(ctx context.Context, within time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ttl := b.held.GetExpireTime().AsTime().Sub(b.held.GetCreateTime().AsTime())
	request := &creditv1.ExtendReservationRequest{
		Name:       b.held.GetName(),
		Expiration: &creditv1.ExtendReservationRequest_Ttl{Ttl: durationpb.New(ttl)},
		RequestId:  newRequestID(),
	}
	answer, err := repeated(ctx, b.credits.ExtendReservation, request)
	return answer.GetReservation().GetRemainingTtl().AsDuration(), err
}
