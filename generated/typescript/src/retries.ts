import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { serviceConfig } from "./service_config.js";

const policy = serviceConfig.methodConfig[0].retryPolicy;
const FIRST_PAUSE_MS = 1_000 * Number.parseFloat(policy.initialBackoff);
const LONGEST_PAUSE_MS = 1_000 * Number.parseFloat(policy.maxBackoff);

const RETRYABLE = new Set<Code>(
  Object.entries({
    UNAVAILABLE: Code.Unavailable,
    RESOURCE_EXHAUSTED: Code.ResourceExhausted,
    ABORTED: Code.Aborted,
    CANCELLED: Code.Canceled,
  })
    .filter(([name]) => (policy.retryableStatusCodes as readonly string[]).includes(name))
    .map(([, code]) => code),
);

/** Of one try: far longer than an answer takes, and short enough to notice a server that is gone without a word. */
const TRY_MS = 5_000;

/** Repeats calls as other languages' gRPC does by the service config. Streams are not repeated. */
export const retries: Interceptor = (next) => async (call) => {
  for (let tries = 1; ; tries++) {
    try {
      return await next(call);
    } catch (reason) {
      const error = ConnectError.from(reason);
      const pause = pauseAfter(error, tries);
      if (call.stream || tries >= policy.maxAttempts || pause === undefined || call.signal.aborted) {
        throw error;
      }
      await sleep(pause, undefined, { signal: call.signal }).catch(() => {
        throw error;
      });
    }
  }
};

/**
 * Makes a call that has a request id until there is an answer to it, for so long. The retries of each call are over within a
 * second or so; a server that is restarted takes longer, and what is held has to be settled. Throws ConnectError.
 */
export async function repeated<A>(
  patienceMs: number,
  call: (options: { timeoutMs: number; signal?: AbortSignal }) => Promise<A>,
  signal?: AbortSignal,
): Promise<A> {
  const end = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      const leftMs = Math.max(1, Math.ceil(end - performance.now()));
      return await call({ timeoutMs: Math.min(TRY_MS, leftMs), signal });
    } catch (reason) {
      const error = ConnectError.from(reason);
      // The time of a try is over, whoever noticed it first: that of all tries may not be.
      const pause = error.code === Code.DeadlineExceeded ? byOurselves(tries) : pauseAfter(error, tries);
      if (pause === undefined || performance.now() + pause > end || signal?.aborted) {
        throw error;
      }
      await sleep(pause, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

/**
 * Returns how long to wait before the next try; undefined if there is to be none. All that the service itself says carries a
 * push-back; what carries none comes from a connection that broke or a server that is stopping.
 */
function pauseAfter(error: ConnectError, tries: number): number | undefined {
  const said = error.metadata.get("grpc-retry-pushback-ms");
  if (said !== null) {
    return /^\d{1,9}$/.test(said) ? Number(said) : undefined;
  }
  return RETRYABLE.has(error.code) || isBroken(error) ? byOurselves(tries) : undefined;
}

function byOurselves(tries: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * policy.backoffMultiplier ** (tries - 1));
  return pause * (0.5 + Math.random() / 2);
}

/** A connection that breaks is INTERNAL here, where gRPC's own libraries say UNAVAILABLE. */
function isBroken(error: ConnectError): boolean {
  const ofNode = error.cause instanceof Error && "code" in error.cause && typeof error.cause.code === "string";
  return ofNode || (error.code === Code.Internal && /^(http\/2 stream closed|protocol error: missing|expected open session)/.test(error.rawMessage));
}
