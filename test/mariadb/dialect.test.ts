/**
 * The two dialects: the statements that each system is given, and how their answers are read. MySQL's are checked here only: no server
 * of it comes with Debian.
 */
import { describe, expect, test } from "vitest";
import { type Dialect, dialectOf } from "../../packages/failover-plans/src/mariadb/dialect.ts";
import type { MysqlServer } from "../../packages/failover-plans/src/mysql-client/client.ts";

const source: MysqlServer = { name: "m1", host: "db'1", port: 3307, user: "root" };
const account = { user: "repl", password: "it's" };
const UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

function flat(statements: readonly string[]): readonly string[] {
  return statements.map((statement) => statement.replace(/\s+/g, " ").trim());
}

/** Every statement that a dialect may send. */
function everything(dialect: Dialect): string {
  return [
    dialect.statusSql,
    dialect.replicaSql,
    dialect.stopReceiving,
    dialect.startReceiving,
    dialect.stop,
    ...dialect.forget,
    ...dialect.refuseWrites,
    ...dialect.takeWrites,
    ...dialect.follow(source, account),
    ...dialect.semisync("writer"),
    ...dialect.semisync("replica"),
    dialect.waitFor("x", 1).text,
  ].join("\n");
}

describe("MariaDB", () => {
  const dialect = dialectOf("mariadb");

  test("a replica follows by GTID from its own position, with its values escaped", () => {
    expect(flat(dialect.follow(source, account))).toEqual([
      "stop slave",
      "change master to master_host = 'db\\'1', master_port = 3307, master_user = 'repl', master_password = 'it\\'s', master_connect_retry = 1, master_use_gtid = slave_pos",
      "start slave",
    ]);
    expect(dialect.forget).toEqual(["stop slave", "reset slave all"]);
    expect(dialect.takeWrites).toEqual(["set global read_only = 0"]);
  });

  test("a freeze stops the receiving thread only: stopped wholly, a replica would throw its relay log away", () => {
    expect(dialect.stopReceiving).toBe("stop slave io_thread");
    expect(dialect.startReceiving).toBe("start slave io_thread");
  });

  test("its words are none of MySQL's", () => {
    expect(everything(dialect)).not.toMatch(/\breplica\b|source_|gtid_executed|super_read_only/i);
  });

  test("a wait is over when the server says 0", () => {
    const wait = dialect.waitFor("0-1-42", 10);
    expect(wait).toMatchObject({ text: "select master_gtid_wait(?, ?) as waited", values: ["0-1-42", 10] });
    expect(wait.reached({ waited: 0 })).toBe(true);
    expect(wait.reached({ waited: -1 })).toBe(false);
    expect(wait.reached(undefined)).toBe(false);
  });

  test("a status is read from the columns that MariaDB names", () => {
    const row = { identity: 2, domain: 0, readOnly: 1, executed: "0-1-42", history: "0-1-42", replicated: "0-1-42" };
    const replica = {
      Master_Host: "h",
      Master_Port: 7,
      Master_Server_Id: 1,
      Slave_IO_Running: "Connecting",
      Slave_SQL_Running: "Yes",
    };
    const more = { Gtid_IO_Pos: "0-1-44", Using_Gtid: "Slave_Pos", Last_IO_Error: "refused", Last_SQL_Error: "" };
    expect(dialect.readStatus({ ...row, strict: 1, keepsLog: 1 }, { ...replica, ...more })).toMatchObject({
      identity: "2",
      domain: "0",
      readOnly: true,
      strict: true,
      replica: {
        host: "h",
        port: 7,
        receiving: "connecting",
        applying: true,
        reached: true,
        received: "0-1-44",
        byGtid: true,
        receiveError: "refused",
      },
    });
    expect(dialect.readStatus(row, { ...replica, Master_Server_Id: 0 }).replica?.reached).toBe(false);
    const filePosition = dialect.readStatus(row, { ...replica, Slave_IO_Running: "No", Using_Gtid: "No" });
    expect(filePosition.replica).toMatchObject({ receiving: "no", byGtid: false, received: "0-1-42" });
    expect(dialect.readStatus(row, undefined).replica).toBeNull();
  });
});

describe("MySQL", () => {
  const dialect = dialectOf("mysql");

  test("a replica follows by auto-position, with its values escaped", () => {
    expect(flat(dialect.follow(source, account))).toEqual([
      "stop replica",
      "change replication source to source_host = 'db\\'1', source_port = 3307, source_user = 'repl', source_password = 'it\\'s', source_connect_retry = 1, source_auto_position = 1, get_source_public_key = 1",
      "start replica",
    ]);
    expect(dialect.forget).toEqual(["stop replica", "reset replica all"]);
  });

  test("writes are refused for administrators too, and allowed in the order that MySQL demands", () => {
    expect(dialect.refuseWrites).toEqual(["set global super_read_only = 1"]);
    expect(dialect.takeWrites).toEqual(["set global super_read_only = 0", "set global read_only = 0"]);
  });

  test("its words are none of MariaDB's, nor those that MySQL has given up", () => {
    expect(everything(dialect)).not.toMatch(/\bslave\b|\bmaster\b|master_|_slave|gtid_slave_pos|gtid_current_pos/i);
  });

  test("a wait is over when the server says 0, not when it says 1", () => {
    const wait = dialect.waitFor(`${UUID}:1-5`, 10);
    expect(wait.text).toBe("select wait_for_executed_gtid_set(?, ?) as waited");
    expect(wait.reached({ waited: 0 })).toBe(true);
    expect(wait.reached({ waited: 1 })).toBe(false);
  });

  test("a status is read from the columns that MySQL names; a plugin that is not installed reads as off", () => {
    const row = { identity: UUID.toUpperCase(), readOnly: 1, executed: `${UUID}:1-5`, keepsLog: 1 };
    const replica = {
      Source_Host: "h",
      Source_Port: 7,
      Source_Server_Id: 0,
      Replica_IO_Running: "Yes",
      Replica_SQL_Running: "No",
    };
    const more = { Retrieved_Gtid_Set: `${UUID}:4-9`, Auto_Position: 1, Last_SQL_Error: "duplicate key" };
    expect(dialect.readStatus({ ...row, semisyncReplica: null }, { ...replica, ...more })).toMatchObject({
      identity: UUID,
      domain: "",
      semisyncReplica: false,
      replica: {
        receiving: "yes",
        applying: false,
        reached: false,
        received: `${UUID}:1-9`,
        byGtid: true,
        applyError: "duplicate key",
      },
    });
    const half = dialect.readStatus({ ...row, semisyncReplica: "ON", semisyncWriter: null }, undefined);
    expect(half).toMatchObject({ semisyncReplica: true, semisyncAble: false });
    expect(dialect.readStatus({ ...row, semisyncWriter: "OFF" }, undefined).semisyncAble).toBe(true);
  });

  test("what a replica lacks is counted to the single transaction", () => {
    expect(dialect.missing(`${UUID}:1-3:7`, `${UUID}:1-9`)).toBe(5);
    expect(dialect.union(`${UUID}:1-3`, `${UUID}:5`)).toBe(`${UUID}:1-3:5`);
  });
});
