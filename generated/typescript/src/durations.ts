import type { Duration } from "@bufbuild/protobuf/wkt";

/** Returns how long it is; 0 if it is not there. */
export function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000 + duration.nanos / 1e6;
}
