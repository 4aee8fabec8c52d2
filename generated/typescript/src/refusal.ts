import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RetryInfoSchema,
  type BadRequest_FieldViolation,
} from "./gen/google/rpc/error_details_pb.js";
import { milliseconds } from "./durations.js";

/** What the service says of a call that it did not do. docs/errors.md lists the reasons with their facts. */
export class Refusal {
  private constructor(
    readonly code: Code,
    /** Such as INSUFFICIENT_CREDIT: an ErrorReason without its prefix. */
    readonly reason: string,
    /** The figures, such as required and available. */
    readonly facts: Readonly<Record<string, string>>,
    /** For people, in the language that the call's accept-language asked for. */
    readonly text: string,
    /** Which fields break which rules. */
    readonly fields: readonly BadRequest_FieldViolation[],
    /** How long to wait before the same call is worth repeating; 0 if nothing was said of that. */
    readonly retryAfterMs: number,
  ) {}

  /** Returns what the service said; undefined if the error is another one, such as a connection that broke. */
  static of(reason: unknown): Refusal | undefined {
    if (!(reason instanceof ConnectError)) {
      return undefined;
    }
    const [info] = reason.findDetails(ErrorInfoSchema);
    if (info === undefined) {
      return undefined;
    }
    return new Refusal(
      reason.code,
      info.reason,
      info.metadata,
      reason.findDetails(LocalizedMessageSchema)[0]?.message ?? "",
      reason.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [],
      milliseconds(reason.findDetails(RetryInfoSchema)[0]?.retryDelay),
    );
  }

  /** Returns a fact that is a whole number; undefined if it is not there. Throws a SyntaxError if it is none. */
  amount(fact: string): bigint | undefined {
    const text = this.facts[fact];
    return text === undefined ? undefined : BigInt(text);
  }
}
