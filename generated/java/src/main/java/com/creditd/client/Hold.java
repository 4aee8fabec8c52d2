package com.creditd.client;

import com.creditd.credit.v1.ConfirmRequest;
import com.creditd.credit.v1.CreditServiceGrpc.CreditServiceBlockingStub;
import com.creditd.credit.v1.ExtendReservationRequest;
import com.creditd.credit.v1.RefundRequest;
import com.creditd.credit.v1.Reservation;
import com.creditd.credit.v1.ReserveRequest;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Credits that are held while work is under way.
 *
 * <pre>{@code
 * try (Hold hold = Hold.withReservation(credits, request)) {
 *   work();
 *   hold.spendAll(); // Or spend(n). What leaves without it gives all back.
 * }
 * }</pre>
 *
 * <p>The end of the block confirms what was said to be spent, and gives the rest back. A block that said nothing, because it
 * threw, is refunded. While the work takes longer than the reservation lasts, the reservation is extended; one that could not be
 * extended is told of by its end.
 *
 * <p>Each call keeps its request id until it is answered, Confirm and Refund also when the caller has been cancelled or
 * interrupted: a server that is restarted meanwhile loses nothing and spends nothing twice. What the service refuses is a
 * StatusRuntimeException, which {@link Refusal#of} reads.
 */
public final class Hold implements AutoCloseable {
  /** How long each call is tried: a restart of the service takes a few seconds. A hold that could not be given back expires. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final ThreadFactory DAEMONS =
      work -> {
        Thread thread = new Thread(work, "credit-holds");
        thread.setDaemon(true);
        return thread;
      };
  private static final ScheduledThreadPoolExecutor CLOCK = clock();

  /** A call may wait for a server that is away; those of other holds do not wait behind it. */
  private static final ExecutorService CALLS = Executors.newCachedThreadPool(DAEMONS);

  private final CreditServiceBlockingStub credits;
  private final String requestId;
  private final Reservation reservation;
  private final Context.CancellableContext extending = Context.ROOT.withCancellation();
  private ScheduledFuture<?> extension;
  private long spent;
  private boolean ended;

  private Hold(CreditServiceBlockingStub credits, String requestId, Reservation reservation) {
    this.credits = credits;
    this.requestId = requestId;
    this.reservation = reservation;
    extendLater(nanoseconds(reservation));
  }

  /**
   * Reserves. The request's own request id, made if there is none, is that of the block, from which those of its calls are
   * derived: a program that died in the block and begins again with the same id holds and spends once. A block that was
   * refunded is over; another try takes another id.
   */
  public static Hold withReservation(CreditServiceBlockingStub credits, ReserveRequest request) {
    String block = request.getRequestId().isEmpty() ? RequestIds.create() : request.getRequestId();
    ReserveRequest reserving = request.toBuilder().setRequestId(block + ".reserve").build();
    return new Hold(
        credits, block, Repeats.repeated(credits, PATIENCE, stub -> stub.reserve(reserving)).getReservation());
  }

  /** Returns the reservation as it was made. */
  public Reservation reservation() {
    return reservation;
  }

  /**
   * Says how much the work has used, in the credit type's smallest unit; several are added up.
   *
   * @throws IllegalArgumentException beyond what is held; nothing is added then
   */
  public synchronized void spend(long amount) {
    if (amount < 0 || amount > reservation.getAmount() - spent) {
      throw new IllegalArgumentException(
          reservation.getAmount() + " are held and " + spent + " are spent: " + amount + " more cannot be");
    }
    spent += amount;
  }

  /** Says that all that is held is spent. */
  public synchronized void spendAll() {
    spent = reservation.getAmount();
  }

  /** Confirms what was said to be spent, or refunds if that is nothing. */
  @Override
  public void close() {
    long amount;
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      amount = spent;
      if (extension != null) {
        extension.cancel(false);
      }
    }
    extending.cancel(null);
    boolean interrupted = Thread.interrupted();
    try {
      Context.current().fork().run(() -> settle(amount));
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void settle(long amount) {
    if (amount > 0) {
      ConfirmRequest request =
          ConfirmRequest.newBuilder()
              .setName(reservation.getName())
              .setAmount(amount)
              .setRequestId(requestId + ".confirm")
              .build();
      Repeats.repeated(credits, PATIENCE, stub -> stub.confirm(request));
    } else {
      RefundRequest request =
          RefundRequest.newBuilder().setName(reservation.getName()).setRequestId(requestId + ".refund").build();
      Repeats.repeated(credits, PATIENCE, stub -> stub.refund(request));
    }
  }

  /** Gives the reservation its time again when half of what is left has passed, by the server's clock: ours may be wrong. */
  private synchronized void extendLater(long left) {
    if (left > 0 && !ended) {
      Runnable extend = extending.wrap(() -> extend(left - left / 2));
      extension = CLOCK.schedule(() -> CALLS.execute(extend), left / 2, TimeUnit.NANOSECONDS);
    }
  }

  private void extend(long within) {
    ExtendReservationRequest request =
        ExtendReservationRequest.newBuilder()
            .setName(reservation.getName())
            .setTtl(reservation.getRemainingTtl())
            .setRequestId(RequestIds.create())
            .build();
    try {
      Reservation extended =
          Repeats.repeated(credits, Duration.ofNanos(within), stub -> stub.extendReservation(request)).getReservation();
      extendLater(nanoseconds(extended));
    } catch (StatusRuntimeException error) {
      // Its end tells.
    }
  }

  /** Forgets at once what is not to be done any more: most holds end long before they are extended. */
  private static ScheduledThreadPoolExecutor clock() {
    ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, DAEMONS);
    clock.setRemoveOnCancelPolicy(true);
    return clock;
  }

  private static long nanoseconds(Reservation reservation) {
    var left = reservation.getRemainingTtl();
    return Duration.ofSeconds(left.getSeconds(), left.getNanos()).toNanos();
  }
}
