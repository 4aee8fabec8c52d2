import type { SecureClientSessionOptions } from "node:http2";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { requestIds } from "./request_ids.js";
import { retries } from "./retries.js";

/** The server closes no connection that pings this often, and load balancers drop those that are silent for minutes. */
const PING_MS = 30_000;

/** A connection on which no ping is answered for as long is dead, and another one is made. */
const PING_TIMEOUT_MS = 5_000;

/** Returns a bearer token. It is asked before each try, so that it may refresh it, and has to keep it as long as it is good. */
export type TokenSource = () => string | Promise<string>;

export interface ConnectionOptions {
  /** Who calls. Not needed where a client certificate says so. */
  token?: TokenSource;
  /** The options of Node's TLS, such as ca, cert and key. */
  tls?: SecureClientSessionOptions;
}

/**
 * Returns a transport for the clients of the generated services: `createClient(CreditService, connect("https://..."))`. It
 * connects when it is first used.
 *
 * Requests get request ids, and calls are retried as docs/service_config.json and the server say. Throws a TypeError for a
 * token that would be sent in plain text to another machine.
 */
export function connect(url: string, options: ConnectionOptions = {}): Transport {
  const interceptors = [requestIds, retries];
  if (options.token !== undefined) {
    if (!isSafe(new URL(url))) {
      throw new TypeError("a token is sent in plain text to this machine alone");
    }
    interceptors.push(bearer(options.token));
  }
  return createGrpcTransport({
    baseUrl: url,
    interceptors,
    nodeOptions: options.tls,
    pingIntervalMs: PING_MS,
    pingTimeoutMs: PING_TIMEOUT_MS,
  });
}

function bearer(token: TokenSource): Interceptor {
  return (next) => async (call) => {
    call.header.set("authorization", `Bearer ${await token()}`);
    return next(call);
  };
}

function isSafe(url: URL): boolean {
  return url.protocol === "https:" || url.hostname === "localhost" || /^(127\.[\d.]+|\[::1\])$/.test(url.hostname);
}
