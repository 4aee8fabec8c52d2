// Runs what tests/languages in the repository of the service hands to each language; its README explains the steps.
import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { create, createFileRegistry, fromJson, toJson, type DescMessage, type JsonValue, type Message } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { connect, CreditService, Refusal, reserve, withReservation, type Credits, type Hold } from "../src/index.js";
import { AdminService } from "../src/gen/credit/v1/admin_service_pb.js";
import { ReserveRequestSchema, WatchBalanceRequestSchema, WatchBalanceResponseSchema } from "../src/gen/credit/v1/credit_service_pb.js";

interface Refused {
  code: string;
  reason?: string;
  facts?: Record<string, string>;
}

interface Step {
  call?: string;
  as?: string;
  request?: JsonValue;
  deadline_ms?: number;
  expect?: JsonValue;
  refused?: Refused;
  replayed?: boolean;
  save?: Record<string, string>;
  watch?: JsonValue;
  during?: Step[];
  messages?: JsonValue[];
  code?: string;
  health?: string;
  block?: JsonValue;
  spend?: string[];
  fails?: boolean;
  lasts_ms?: number;
  save_name?: string;
  blocks?: number;
  at_once?: number;
  fails_every?: number;
  restart_after?: number[];
  restart?: boolean;
}

interface Arrangement {
  cases: { name: string; server?: "plain" | "tls"; steps: Step[] }[];
  servers: Record<"plain" | "tls", string>;
  ca: string;
  tokens: Record<string, string>;
  control: string;
  results: string;
  prefix: string;
}

const CALL_MS = 30_000;

class WorkFails extends Error {}

/** gRPC's health service, which no package publishes for this runtime. */
const health = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "grpc/health/v1/health.proto",
    package: "grpc.health.v1",
    syntax: "proto3",
    messageType: [
      { name: "HealthCheckRequest", field: [{ name: "service", jsonName: "service", number: 1, type: FieldDescriptorProto_Type.STRING, label: 1 }] },
      {
        name: "HealthCheckResponse",
        field: [
          {
            name: "status",
            jsonName: "status",
            number: 1,
            type: FieldDescriptorProto_Type.ENUM,
            typeName: ".grpc.health.v1.HealthCheckResponse.ServingStatus",
            label: 1,
          },
        ],
        enumType: [
          {
            name: "ServingStatus",
            value: [
              { name: "UNKNOWN", number: 0 },
              { name: "SERVING", number: 1 },
              { name: "NOT_SERVING", number: 2 },
              { name: "SERVICE_UNKNOWN", number: 3 },
            ],
          },
        ],
      },
    ],
    service: [
      {
        name: "Health",
        method: [
          { name: "Check", inputType: ".grpc.health.v1.HealthCheckRequest", outputType: ".grpc.health.v1.HealthCheckResponse" },
        ],
      },
    ],
  }),
  () => undefined,
).getService("grpc.health.v1.Health")!;

type Unary = (request: Message, options: object) => Promise<Message>;

class Runner {
  readonly #given: Arrangement;
  readonly #server: "plain" | "tls";
  readonly #transports = new Map<string, Transport>();
  readonly #saved: Map<string, string>;

  constructor(given: Arrangement, server: "plain" | "tls", account: string) {
    this.#given = given;
    this.#server = server;
    this.#saved = new Map([["account", account]]);
  }

  async steps(steps: Step[]): Promise<void> {
    for (const raw of steps) {
      let text = JSON.stringify(raw);
      for (const [name, value] of this.#saved) {
        text = text.replaceAll(`\${${name}}`, value);
      }
      const step = JSON.parse(text) as Step;
      if (step.call !== undefined) await this.#call(step, step.call);
      else if (step.watch !== undefined) await this.#watch(step, step.watch);
      else if (step.health !== undefined) await this.#health(step);
      else if (step.blocks !== undefined) await this.#blocks(step, step.blocks);
      else if (step.block !== undefined) await this.#block(step, step.block);
      else if (step.restart !== undefined) await this.#restart();
      else assert.fail(`no such step: ${text}`);
    }
  }

  #transport(caller = "service"): Transport {
    let transport = this.#transports.get(caller);
    if (transport === undefined) {
      const tls = this.#server === "tls";
      const token = () => this.#given.tokens[caller]!;
      const url = `${tls ? "https" : "http"}://${this.#given.servers[this.#server]}`;
      transport = connect(url, tls ? { token, tls: { ca: readFileSync(this.#given.ca) } } : { token });
      this.#transports.set(caller, transport);
    }
    return transport;
  }

  #credits(step: Step): Credits {
    return createClient(CreditService, this.#transport(step.as));
  }

  async #call(step: Step, name: string): Promise<void> {
    const service = [CreditService, AdminService].find((one) => name.startsWith(`${one.name}/`))!;
    const method = service.methods.find((one) => name.endsWith(`/${one.name}`))!;
    const client = createClient(service, this.#transport(step.as)) as unknown as Record<string, Unary>;
    const request = fromJson(method.input as DescMessage, step.request!);
    let replayed = false;
    const onTrailer = (trailer: Headers) => (replayed = trailer.has("replayed"));
    const calling = client[method.localName]!(request, { timeoutMs: step.deadline_ms ?? CALL_MS, onTrailer });
    if (step.refused !== undefined) {
      await this.#refused(step.refused, calling);
      return;
    }
    const got = asJson(method.output, await calling);
    holds(step.expect, got);
    assert.equal(replayed, step.replayed ?? false, "replayed");
    for (const [name, path] of Object.entries(step.save ?? {})) {
      const value = path.split(".").reduce<any>((object, key) => object[key], got);
      this.#saved.set(name, value);
    }
  }

  async #watch(step: Step, request: JsonValue): Promise<void> {
    const options = { timeoutMs: step.deadline_ms ?? CALL_MS };
    const stream = this.#credits(step).watchBalance(fromJson(WatchBalanceRequestSchema, request), options);
    const messages = stream[Symbol.asyncIterator]();
    for (const [number, expected] of step.messages!.entries()) {
      const { value } = await messages.next();
      holds(expected, asJson(WatchBalanceResponseSchema, value));
      if (number === 0) {
        await this.steps(step.during ?? []);
      }
    }
    if (step.code !== undefined) {
      await this.#refused({ code: step.code }, messages.next());
    } else {
      await messages.return?.();
    }
  }

  async #health(step: Step): Promise<void> {
    const client = createClient(health, this.#transport()) as unknown as Record<string, Unary>;
    const check = health.methods[0]!;
    const request = fromJson(check.input, { service: step.health! });
    holds(step.expect, asJson(check.output, await client["check"]!(request, { timeoutMs: CALL_MS })));
  }

  async #block(step: Step, request: JsonValue): Promise<void> {
    const reserving = fromJson(ReserveRequestSchema, request);
    const work = async (hold: Hold) => {
      if (step.save_name !== undefined) {
        this.#saved.set(step.save_name, hold.reservation.name);
      }
      await this.steps(step.during ?? []);
      await sleep(step.lasts_ms ?? 0);
      for (const amount of step.spend ?? []) {
        hold.spend(BigInt(amount));
      }
      if (step.fails) {
        throw new WorkFails();
      }
    };
    const ending = withReservation(this.#credits(step), reserving, work);
    if (step.refused !== undefined) {
      await this.#refused(step.refused, ending);
    } else if (step.fails) {
      await assert.rejects(ending, WorkFails);
    } else {
      await ending;
    }
  }

  /** Does many at once, and restarts the server after some of them: each has to end as if nothing had happened. */
  async #blocks(step: Step, count: number): Promise<void> {
    const credits = this.#credits(step);
    const spent = BigInt(step.spend![0]!);
    let begun = 0;
    let ended = 0;
    const worker = async () => {
      while (begun < count) {
        const number = ++begun;
        await this.#oneOfMany(credits, step.block!, number % step.fails_every! === 0 ? undefined : spent, number);
        if (step.restart_after!.includes(++ended)) {
          await this.#restart();
        }
      }
    };
    await Promise.all(Array.from({ length: step.at_once! }, worker));
  }

  /** Does work that fails if it is to spend nothing; in turns with a callback and with a block that ends by itself. */
  async #oneOfMany(credits: Credits, block: JsonValue, spent: bigint | undefined, number: number): Promise<void> {
    const request = fromJson(ReserveRequestSchema, block);
    const work = (hold: Hold) => {
      if (spent === undefined) {
        throw new WorkFails();
      }
      hold.spend(spent);
    };
    const inBlock = async () => {
      await using hold = await reserve(credits, request);
      work(hold);
    };
    const ending = Math.floor(number / 2) % 2 === 0 ? withReservation(credits, request, work) : inBlock();
    await (spent === undefined ? assert.rejects(ending, WorkFails) : ending);
  }

  /** Returns when the server was killed, and before it is back. */
  async #restart(): Promise<void> {
    const answer = await fetch(`${this.#given.control}/restart`);
    assert.equal(answer.status, 200);
  }

  async #refused(expected: Refused, calling: Promise<unknown>): Promise<void> {
    const error: unknown = await calling.then(
      () => assert.fail(`not refused with ${expected.code}`),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(upperSnake(error.code), expected.code, String(error));
    if (expected.reason !== undefined) {
      const refusal = Refusal.of(error);
      assert.equal(refusal?.reason, expected.reason);
      holds(expected.facts, { ...refusal?.facts });
    }
  }
}

/** Fails unless got has all that is expected: of an object the fields that are named, of a list each item. */
function holds(expected: JsonValue | undefined, got: JsonValue): void {
  if (expected !== undefined) {
    assert.ok(contains(got, expected), `${JSON.stringify(got)} does not hold ${JSON.stringify(expected)}`);
  }
}

function contains(got: JsonValue | undefined, expected: JsonValue): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(got) && got.length === expected.length && expected.every((item, index) => contains(got[index], item));
  }
  if (expected !== null && typeof expected === "object") {
    return (
      got !== null &&
      typeof got === "object" &&
      !Array.isArray(got) &&
      Object.entries(expected).every(([field, value]) => contains(got[field], value))
    );
  }
  return got === expected;
}

function asJson(kind: DescMessage, message: Message): JsonValue {
  return toJson(kind, message, { alwaysEmitImplicit: true });
}

/** Returns the name of a code as the protocol has it, such as FAILED_PRECONDITION. */
function upperSnake(code: Code): string {
  return code === Code.Canceled ? "CANCELLED" : Code[code]!.replace(/(?<!^)([A-Z])/g, "_$1").toUpperCase();
}

async function main(): Promise<number> {
  const file = process.env["CREDIT_CASES"];
  if (file === undefined) {
    console.error("CREDIT_CASES is not set: `make languages` in the repository of the service runs these against a server");
    return 1;
  }
  const given = JSON.parse(readFileSync(file, "utf8")) as Arrangement;
  let failed = 0;
  for (const [number, one] of given.cases.entries()) {
    try {
      await new Runner(given, one.server ?? "plain", `${given.prefix}-${number}`).steps(one.steps);
      appendFileSync(given.results, `${one.name}\n`);
    } catch (error) {
      failed++;
      console.error(`${one.name}:`, error);
    }
  }
  console.log(`${given.cases.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exit(await main());
