export { connect, type ConnectionOptions, type TokenSource } from "./connection.js";
export { Hold, reserve, withReservation, type Credits, type Reserving } from "./hold.js";
export { Refusal } from "./refusal.js";
export { CreditService } from "./gen/credit/v1/credit_service_pb.js";
export { createClient } from "@connectrpc/connect";
