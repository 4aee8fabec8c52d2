package com.creditd.client;

import com.creditd.credit.v1.CreditServiceGrpc.CreditServiceBlockingStub;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Repeats a call that has a request id until there is an answer to it. */
final class Repeats {
  /** Of one try: far longer than an answer takes, and short enough to notice a server that is gone without a word. */
  private static final long TRY_MILLISECONDS = 5_000;

  private static final long FIRST_PAUSE_MILLISECONDS = 100;
  private static final long LONGEST_PAUSE_MILLISECONDS = 2_000;
  private static final long NEVER = -1;

  private static final Metadata.Key<String> PUSH_BACK =
      Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER);

  private Repeats() {}

  /**
   * Returns the answer. gRPC's own retries are over within a second or so; a server that is restarted takes longer, and what is
   * held has to be settled.
   *
   * @throws StatusRuntimeException what the service refused, or the last error when patience is over
   */
  static <A> A repeated(
      CreditServiceBlockingStub credits, Duration patience, Function<CreditServiceBlockingStub, A> call) {
    long end = System.nanoTime() + patience.toNanos();
    for (long pause = FIRST_PAUSE_MILLISECONDS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MILLISECONDS)) {
      long left = Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime()));
      try {
        return call.apply(
            credits.withWaitForReady().withDeadlineAfter(Math.min(left, TRY_MILLISECONDS), TimeUnit.MILLISECONDS));
      } catch (StatusRuntimeException error) {
        long wait = waitAfter(error, pause);
        boolean tooLate = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(wait) - end > 0;
        if (wait == NEVER || tooLate || Context.current().isCancelled() || !slept(wait)) {
          throw error;
        }
      }
    }
  }

  /**
   * Says how long to wait before the next try. All that the service itself says carries a push-back; what carries none comes
   * from a connection that broke or a server that is stopping, and whether the call was carried out is not known.
   */
  private static long waitAfter(StatusRuntimeException error, long pause) {
    long byOurselves = pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2);
    Status.Code code = error.getStatus().getCode();
    if (code == Status.Code.DEADLINE_EXCEEDED) {
      return byOurselves; // That of the try, whoever noticed it first.
    }
    String said = error.getTrailers() == null ? null : error.getTrailers().get(PUSH_BACK);
    if (said != null) {
      return said.matches("\\d{1,9}") ? Long.parseLong(said) : NEVER;
    }
    return code == Status.Code.UNAVAILABLE || code == Status.Code.CANCELLED ? byOurselves : NEVER;
  }

  /** Returns false if the thread is interrupted, and leaves it so. */
  private static boolean slept(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
      return true;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
