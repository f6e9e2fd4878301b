/** The table between refusals and the API's errors, both ways; and the form of client tokens. */
import { clientTokenProblem, POLAR_REFUSALS, polarApiError, refusalOfApiCode } from "@belay/failover-plans/polardb";
import { describe, expect, test } from "vitest";

/** The documented table of the action, and what the product and its gateway add. */
const DOCUMENTED = [
  [400, "HaStatusNotSupport", "Current DB instance HA status does not support this operation."],
  [400, "InvalidDBNodeId.Malformed", "The specified parameter DBNodeId is not valid."],
  [400, "InvalidDBType.Malformed", "The Specified DBType is not valid."],
  [400, "UnsupportHighFrequenceSwitchOver", "The instance has switch over too frequent within ten minutes."],
  [400, "UnsupportWitchUnhealthyReplication", "The action is unsupported with unhealthy replication."],
  [403, "OperationDenied.DBNodeType", "The operation is not permitted due to type of node."],
  [403, "OperationDenied.ClusterCategory", "The operation is not permitted due to cluster category."],
  [403, "OperationDenied.DBClusterStatus", "The operation is not permitted due to Cluster status."],
  [404, "InvalidDBCluster.NotFound", "The DBClusterId provided does not exist in our records."],
] as const;

describe("what the API says", () => {
  test.each(DOCUMENTED)("%i %s is said for a refusal, word by word", (status, code, message) => {
    const refusal = refusalOfApiCode(code);
    expect(refusal).toBeDefined();
    expect(polarApiError(refusal ?? "")).toEqual({ status, code, message });
  });

  test("every refusal has an error, and its code is read as a refusal with the same error", () => {
    for (const refusal of POLAR_REFUSALS) {
      const error = polarApiError(refusal);
      expect(error?.status, refusal).toBeGreaterThanOrEqual(400);
      expect(polarApiError(refusalOfApiCode(error?.code ?? "") ?? ""), refusal).toEqual(error);
    }
  });

  test.each([
    ["RECOVERY_BLOCKED", "UnsupportHighFrequenceSwitchOver"],
    ["PARAMETER_MISSING", "MissingParameter"],
    ["LOCKED", "OperationDenied.DBClusterStatus"],
    ["IDEMPOTENT_PARAMETER_MISMATCH", "IdempotentParameterMismatch"],
  ])("%s is %s", (refusal, code) => {
    expect(polarApiError(refusal)?.code).toBe(code);
  });

  test("what is no refusal has no word: inherited names neither", () => {
    for (const code of ["INJECTED_FAILURE", "constructor", "toString", ""]) expect(polarApiError(code)).toBeUndefined();
  });

  test("a client that adds Error to the code is understood, InternalError is no refusal", () => {
    expect(refusalOfApiCode("InvalidDBCluster.NotFoundError")).toBe("CLUSTER_UNKNOWN");
    expect(refusalOfApiCode("InvalidDBClusterId.NotFound")).toBe("CLUSTER_UNKNOWN");
    expect(refusalOfApiCode("InternalError")).toBeUndefined();
    expect(refusalOfApiCode("")).toBeUndefined();
  });
});

describe("a client token", () => {
  test.each(["a", "x".repeat(64), "tok'(*)! ~-_."])("%j can be used", (token) => {
    expect(clientTokenProblem(token)).toBeUndefined();
  });

  test.each(["", " ", "x".repeat(65), "\u00fc", "a\nb", " a", "a "])("%j cannot", (token) => {
    expect(clientTokenProblem(token)).toBeTypeOf("string");
  });
});
