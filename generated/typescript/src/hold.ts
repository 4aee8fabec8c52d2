import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { milliseconds } from "./durations.js";
import { ReserveRequestSchema, type CreditService } from "./gen/credit/v1/credit_service_pb.js";
import type { Reservation } from "./gen/credit/v1/reservation_pb.js";
import { Refusal } from "./refusal.js";
import { newRequestId } from "./request_ids.js";
import { repeated } from "./retries.js";

/** A client of the service: `createClient(CreditService, connect(url))`. */
export type Credits = Client<typeof CreditService>;

/**
 * What to hold. Its request id, made if there is none, is that of the block, from which those of its calls are derived: a program
 * that died in the block and begins again with the same id holds and spends once. One that a run before has refunded, or that has
 * expired, is refused before any work (RESERVATION_REFUNDED, RESERVATION_EXPIRED): another try takes another id. One that was
 * confirmed is paid, whatever it spends now. An id belongs to one run at a time.
 */
export type Reserving = MessageInitShape<typeof ReserveRequestSchema>;

/** How long each call is tried: a restart of the service takes a few seconds. A hold that could not be given back expires. */
const PATIENCE_MS = 30_000;

/**
 * Reserves, does the work, and confirms what it said to be spent, or all. Refunds if the work throws. While the work takes longer
 * than the reservation lasts, the reservation is extended; one that could not be extended is told of by its end.
 *
 * Each call keeps its request id until it is answered: a server that is restarted meanwhile loses nothing and spends nothing
 * twice. What the service refuses is a ConnectError, which `Refusal.of` reads.
 */
export async function withReservation<T>(
  credits: Credits,
  request: Reserving,
  work: (hold: Hold) => T | Promise<T>,
): Promise<T> {
  const hold = await reserve(credits, request);
  let result: T;
  try {
    result = await work(hold);
  } catch (reason) {
    // The work's own error is what its caller is to hear of; what cannot be given back now expires.
    await hold.end(0n).catch(() => {});
    throw reason;
  }
  await hold.end(hold.spent ?? hold.amount);
  return result;
}

/**
 * Reserves for a block that ends by itself: `await using hold = await reserve(credits, request)`. As such a block does not
 * tell how it ended, `hold.spend` or `hold.spendAll` says that the work is done; what leaves without it gives all back.
 */
export async function reserve(credits: Credits, request: Reserving): Promise<Hold> {
  const reserving = clone(ReserveRequestSchema, create(ReserveRequestSchema, request));
  const isNamed = reserving.requestId !== "";
  const block = reserving.requestId || newRequestId();
  reserving.requestId = `${block}.reserve`;
  const answer = await repeated(PATIENCE_MS, (options) => credits.reserve(reserving, options));
  const reservation = answer.reservation!;
  try {
    // A run before may have held it, long ago, and ended it.
    const leftMs = isNamed ? await extended(credits, reservation, PATIENCE_MS) : milliseconds(reservation.remainingTtl);
    return new Hold(credits, block, reservation, leftMs);
  } catch (reason) {
    if (Refusal.of(reason)?.reason !== "RESERVATION_CONFIRMED") {
      throw reason;
    }
    return new Hold(credits, block, reservation, undefined);
  }
}

/** Gives a reservation the time again that it was made for; returns how much is left. */
async function extended(
  credits: Credits,
  reservation: Reservation,
  withinMs: number,
  signal?: AbortSignal,
): Promise<number> {
  const ttl = durationFromMs(timestampMs(reservation.expireTime!) - timestampMs(reservation.createTime!));
  const expiration = { case: "ttl" as const, value: ttl };
  const request = { name: reservation.name, expiration, requestId: newRequestId() };
  const answer = await repeated(withinMs, (options) => credits.extendReservation(request, options), signal);
  return milliseconds(answer.reservation?.remainingTtl);
}

/** Credits that are held while work is under way. */
export class Hold implements AsyncDisposable {
  readonly #credits: Credits;
  readonly #block: string;
  readonly #ended = new AbortController();
  #extension: NodeJS.Timeout | undefined;
  #spent: bigint | undefined;

  /** Whether a run before of the same block was confirmed: whatever is spent, nothing more is charged or given back. */
  readonly isPaid: boolean;

  /** For `reserve` and `withReservation`. `reservation` is as it was made; `leftMs` is undefined if it is paid. */
  constructor(
    credits: Credits,
    block: string,
    readonly reservation: Reservation,
    leftMs: number | undefined,
  ) {
    this.#credits = credits;
    this.#block = block;
    this.isPaid = leftMs === undefined;
    this.#extendLater(leftMs ?? 0);
  }

  /** How much is held, in the credit type's smallest unit. */
  get amount(): bigint {
    return this.reservation.amount;
  }

  /** What was said to be spent; undefined if nothing was. */
  get spent(): bigint | undefined {
    return this.#spent;
  }

  /** Says how much the work has used; several are added up. Throws a RangeError, and adds nothing, beyond what is held. */
  spend(amount: bigint): void {
    const spent = this.#spent ?? 0n;
    if (amount < 0n || spent + amount > this.amount) {
      throw new RangeError(`${this.amount} are held and ${spent} are spent: ${amount} more cannot be`);
    }
    this.#spent = spent + amount;
  }

  /** Says that all that is held is spent. */
  spendAll(): void {
    this.#spent = this.amount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(this.#spent ?? 0n);
  }

  /** Confirms so many credits, or refunds if they are none. Only the first call counts. */
  async end(amount: bigint): Promise<void> {
    if (this.#ended.signal.aborted) {
      return;
    }
    this.#ended.abort();
    clearTimeout(this.#extension);
    if (this.isPaid) {
      return;
    }
    const name = this.reservation.name;
    if (amount > 0n) {
      const request = { name, amount, requestId: `${this.#block}.confirm` };
      await repeated(PATIENCE_MS, (options) => this.#credits.confirm(request, options));
    } else {
      const request = { name, requestId: `${this.#block}.refund`, pendingOnly: true };
      await repeated(PATIENCE_MS, (options) => this.#credits.refund(request, options)).catch(throwUnlessEnded);
    }
  }

  /** Gives the reservation its time again when half of what is left has passed, by the server's clock: ours may be wrong. */
  #extendLater(leftMs: number): void {
    if (leftMs <= 0 || this.#ended.signal.aborted) {
      return;
    }
    this.#extension = setTimeout(() => void this.#extend(leftMs / 2), leftMs / 2);
  }

  async #extend(withinMs: number): Promise<void> {
    try {
      this.#extendLater(await extended(this.#credits, this.reservation, withinMs, this.#ended.signal));
    } catch {
      // Its end tells.
    }
  }
}

const ENDED = ["RESERVATION_EXPIRED", "RESERVATION_REFUNDED", "RESERVATION_CONFIRMED"];

/** Passes on what says that credits could not be given back; not that they are back, or that another run has paid. */
function throwUnlessEnded(reason: unknown): void {
  if (!ENDED.includes(Refusal.of(reason)?.reason ?? "")) {
    throw reason;
  }
}
