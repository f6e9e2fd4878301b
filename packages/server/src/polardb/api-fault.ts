/**
 * Refusals in the words of PolarDB's API. Owns: the gateway's own errors (signatures, parameters, limits) and what a fault of the server
 * is called there. The errors of a failover are in the table of `@belay/failover-plans/polardb`, which clients of the API read as well.
 */
import { type PolarApiError, type PolarRefusal, polarApiError } from "@belay/failover-plans/polardb";
import { Fault, type FaultCode } from "../web/fault.ts";

/** A refusal that has its code in the API. */
export class ApiFault extends Fault {
  readonly api: PolarApiError;

  constructor(api: PolarApiError, headers: Readonly<Record<string, string>> = {}) {
    super(api.status, "PRECONDITION", api.message, { headers });
    this.api = api;
  }
}

/** Name of an error of the gateway. */
export type GatewayError =
  | "InvalidAccessKeyId"
  | "IncompleteSignature"
  | "SignatureDoesNotMatch"
  | "SignatureNonceUsed"
  | "TimestampExpired"
  | "IllegalTimestamp"
  | "ActionUnknown"
  | "MethodUnsupported"
  | "Forbidden"
  | "ForeignOrigin"
  | "Throttled"
  | "ClusterGone"
  | "ClusterIdMalformed"
  | "Unreadable"
  | "TooLarge"
  | "MediaType"
  | "Unavailable"
  | "Internal";

/** Errors of the gateway: HTTP status and message. Names are the documented ones, statuses as far as a table says them. */
const GATEWAY: Readonly<Record<GatewayError, readonly [status: number, code: string, message: string]>> = {
  InvalidAccessKeyId: [404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."],
  IncompleteSignature: [400, "IncompleteSignature", "The request signature does not conform to the standards."],
  SignatureDoesNotMatch: [
    400,
    "SignatureDoesNotMatch",
    "The request signature does not match the one that was computed from the request.",
  ],
  SignatureNonceUsed: [400, "SignatureNonceUsed", "Specified signature nonce was used already."],
  TimestampExpired: [400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."],
  IllegalTimestamp: [400, "IllegalTimestamp", "Specified time stamp or date value is not well formatted."],
  ActionUnknown: [404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."],
  MethodUnsupported: [403, "UnsupportedHTTPMethod", "This http method is not supported."],
  Forbidden: [403, "Forbidden.RAM", "User not authorized to operate on the specified resource."],
  ForeignOrigin: [403, "Forbidden", "Pages of another origin and foreign host names are not answered."],
  Throttled: [429, "Throttling.User", "Request was denied due to user flow control."],
  ClusterGone: [404, "InvalidDBClusterId.NotFound", "The DBClusterId provided does not exist in our records."],
  ClusterIdMalformed: [404, "InvalidDBClusterId.Malformed", "The specified parameter DBClusterId is not valid."],
  Unreadable: [400, "InvalidParameter", "The request is not well formatted."],
  TooLarge: [413, "RequestTooLarge", "The request is too large."],
  MediaType: [415, "UnsupportedMediaType", "Parameters are sent in the query or as application/x-www-form-urlencoded."],
  Unavailable: [503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."],
  Internal: [500, "InternalError", "The request processing has failed due to some unknown error."],
};

/** An error of the gateway, to be thrown. */
export function refused(name: GatewayError): ApiFault {
  return new ApiFault(gatewayError(name));
}

/** A mandatory parameter is not there. */
export function missing(name: string): ApiFault {
  const message = `The input parameter "${name}" that is mandatory for processing this request is not supplied.`;
  return new ApiFault({ status: 400, code: "MissingParameter", message });
}

/** A parameter has a value that it cannot have. */
export function invalid(name: string): ApiFault {
  const message = `The specified parameter "${name}" is not valid.`;
  return new ApiFault({ status: 400, code: "InvalidParameter", message });
}

/** A refusal of a failover; what the API has no word for is a failure of the server's. */
export function polarRefused(code: PolarRefusal | (string & {})): ApiFault {
  // The one parameter that only some engines require.
  if (code === "PARAMETER_MISSING") return missing("TargetDBNodeId");
  return new ApiFault(polarApiError(code) ?? gatewayError("Internal"));
}

function gatewayError(name: GatewayError): PolarApiError {
  const [status, code, message] = GATEWAY[name];
  return { status, code, message };
}

/** What a fault of the server is called; those of a run have their row in the table of refusals. */
const OF_FAULT: Readonly<Partial<Record<FaultCode, GatewayError>>> = {
  ROUTE_UNKNOWN: "MethodUnsupported",
  MALFORMED: "Unreadable",
  TOO_LARGE: "TooLarge",
  MEDIA_TYPE: "MediaType",
  UNAUTHENTICATED: "IncompleteSignature",
  THROTTLED: "Throttled",
  FOREIGN: "ForeignOrigin",
  FORBIDDEN: "Forbidden",
  UNAVAILABLE: "Unavailable",
  CLOSED: "Unavailable",
};

/** HTTP's own statuses say more than the table's where the framework refused. */
const OWN_STATUS: ReadonlySet<FaultCode> = new Set<FaultCode>(["MALFORMED", "TOO_LARGE", "FOREIGN"]);

/** Any fault as an error of the API; what it has no word for is InternalError. */
export function apiErrorOf(fault: Fault): PolarApiError {
  if (fault instanceof ApiFault) return fault.api;
  const name = OF_FAULT[fault.code];
  if (name === undefined) return polarApiError(fault.code) ?? gatewayError("Internal");
  const error = gatewayError(name);
  return OWN_STATUS.has(fault.code) ? { ...error, status: fault.status } : error;
}
