import { randomBytes } from "node:crypto";
import { clone } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";

/**
 * Gives each mutation a request id where its caller stated none. It stands before the retries, which repeat the call with the
 * same id. The caller's message is left as it is: sent again, it is a new call.
 */
export const requestIds: Interceptor = (next) => (call) => {
  if (call.stream || call.method.input.field["requestId"] === undefined) {
    return next(call);
  }
  const stated = call.message as typeof call.message & { requestId: string };
  if (stated.requestId !== "") {
    return next(call);
  }
  const message = clone(call.method.input, stated) as typeof stated;
  message.requestId = newRequestId();
  return next({ ...call, message });
};

/** Returns an id that nobody has used, and that sorts by time (UUIDv7), so that the service's index grows at its end. */
export function newRequestId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
