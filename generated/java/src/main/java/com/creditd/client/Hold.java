package com.creditd.client;

import com.creditd.credit.v1.ConfirmRequest;
import com.creditd.credit.v1.CreditServiceGrpc.CreditServiceBlockingStub;
import com.creditd.credit.v1.ExtendReservationRequest;
import com.creditd.credit.v1.RefundRequest;
import com.creditd.credit.v1.Reservation;
import com.creditd.credit.v1.ReserveRequest;
import com.google.protobuf.Timestamp;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
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
  private final boolean isPaid;
  private final Context.CancellableContext extending = Context.ROOT.withCancellation();
  private ScheduledFuture<?> extension;
  private long spent;
  private boolean ended;

  private Hold(CreditServiceBlockingStub credits, String requestId, Reservation reservation, boolean isPaid, long left) {
    this.credits = credits;
    this.requestId = requestId;
    this.reservation = reservation;
    this.isPaid = isPaid;
    extendLater(left);
  }

  /**
   * Reserves. The request's own request id, made if there is none, is that of the block, from which those of its calls are
   * derived: a program that died in the block and begins again with the same id holds and spends once. One that a run before has
   * refunded, or that has expired, is refused before any work (RESERVATION_REFUNDED, RESERVATION_EXPIRED): another try takes
   * another id. One that was confirmed is paid, whatever it spends now. An id belongs to one run at a time.
   *
   * @throws StatusRuntimeException what the service refused, or that nobody answered
   */
  public static Hold withReservation(CreditServiceBlockingStub credits, ReserveRequest request) {
    String block = request.getRequestId().isEmpty() ? RequestIds.create() : request.getRequestId();
    ReserveRequest reserving = request.toBuilder().setRequestId(block + ".reserve").build();
    Reservation reservation = Repeats.repeated(credits, PATIENCE, stub -> stub.reserve(reserving)).getReservation();
    if (request.getRequestId().isEmpty()) {
      return new Hold(credits, block, reservation, false, nanoseconds(reservation.getRemainingTtl()));
    }
    try {
      // A run before may have held it, long ago, and ended it.
      return new Hold(credits, block, reservation, false, extended(credits, reservation, PATIENCE));
    } catch (StatusRuntimeException error) {
      if (!isRefused(error, Set.of("RESERVATION_CONFIRMED"))) {
        throw error;
      }
      return new Hold(credits, block, reservation, true, 0);
    }
  }

  /** Returns whether a run before of the same block was confirmed: nothing more is charged or given back. */
  public boolean isPaid() {
    return isPaid;
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
    if (isPaid) {
      return;
    }
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
          RefundRequest.newBuilder()
              .setName(reservation.getName())
              .setRequestId(requestId + ".refund")
              .setPendingOnly(true)
              .build();
      try {
        Repeats.repeated(credits, PATIENCE, stub -> stub.refund(request));
      } catch (StatusRuntimeException error) {
        // What was to be given back may be back, and another run by the same request id may have paid: that stays.
        if (!isRefused(error, Set.of("RESERVATION_EXPIRED", "RESERVATION_REFUNDED", "RESERVATION_CONFIRMED"))) {
          throw error;
        }
      }
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
    try {
      extendLater(extended(credits, reservation, Duration.ofNanos(within)));
    } catch (StatusRuntimeException error) {
      // Its end tells.
    }
  }

  /** Gives a reservation the time again that it was made for; returns how many nanoseconds are left. */
  private static long extended(CreditServiceBlockingStub credits, Reservation reservation, Duration within) {
    Duration ttl = Duration.between(instant(reservation.getCreateTime()), instant(reservation.getExpireTime()));
    ExtendReservationRequest request =
        ExtendReservationRequest.newBuilder()
            .setName(reservation.getName())
            .setTtl(com.google.protobuf.Duration.newBuilder().setSeconds(ttl.getSeconds()).setNanos(ttl.getNano()))
            .setRequestId(RequestIds.create())
            .build();
    return nanoseconds(
        Repeats.repeated(credits, within, stub -> stub.extendReservation(request)).getReservation().getRemainingTtl());
  }

  private static boolean isRefused(StatusRuntimeException error, Set<String> reasons) {
    return Refusal.of(error).filter(refusal -> reasons.contains(refusal.reason())).isPresent();
  }

  /** Forgets at once what is not to be done any more: most holds end long before they are extended. */
  private static ScheduledThreadPoolExecutor clock() {
    ScheduledThreadPoolExecutor clock = new ScheduledThreadPoolExecutor(1, DAEMONS);
    clock.setRemoveOnCancelPolicy(true);
    return clock;
  }

  private static long nanoseconds(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos()).toNanos();
  }

  private static Instant instant(Timestamp timestamp) {
    return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
  }
}
