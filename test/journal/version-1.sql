-- The rows of a journal file of version 1, as version 1 wrote them (its tables are the first of MIGRATIONS).
insert into journal (format, created_at) values
  (1, 1795672224500);
insert into run (run, run_id, plan_name, plan_hash, client_token, request_hash, parent_run, parent_node, parent_attempt, started_at, status, ended, at, records, locks, epoch, owner, crc) values
  (1, 'run-1', 'failover', 'hash', 'token-1', 'request', null, null, null, 1709208000250, 'FAILED', 0, 1709208003250, 4, 1, 1, null, 3375102421);
insert into run (run, run_id, plan_name, plan_hash, client_token, request_hash, parent_run, parent_node, parent_attempt, started_at, status, ended, at, records, locks, epoch, owner, crc) values
  (2, 'run-2', 'failover', 'hash', null, 'request', null, null, null, 1709208000250, 'RUNNING', 0, 1709208000250, 0, 0, 1, null, 3434895469);
insert into run (run, run_id, plan_name, plan_hash, client_token, request_hash, parent_run, parent_node, parent_attempt, started_at, status, ended, at, records, locks, epoch, owner, crc) values
  (3, 'run-3', 'failover', 'hash', null, 'request', null, null, null, 1709208000250, 'SUCCESSFUL', 1, 1709208000260, 1, 0, 1, null, 746572210);
insert into header (run, header, crc) values
  (1, '{"runId":"run-1","format":1,"document":{"belay":1,"name":"failover","nodes":[{"id":"freeze","action":"x"},{"id":"switch","action":"x","upstreams":["freeze"]}]},"planHash":"hash","params":{},"items":{},"seed":1,"graceMs":0,"clientToken":"token-1","requestHash":"request","at":1709208000250,"parent":null}', 1888597392);
insert into header (run, header, crc) values
  (2, '{"runId":"run-2","format":1,"document":{"belay":1,"name":"failover","nodes":[{"id":"freeze","action":"x"},{"id":"switch","action":"x","upstreams":["freeze"]}]},"planHash":"hash","params":{},"items":{},"seed":1,"graceMs":0,"clientToken":null,"requestHash":"request","at":1709208000250,"parent":null}', 1068875856);
insert into header (run, header, crc) values
  (3, '{"runId":"run-3","format":1,"document":{"belay":1,"name":"failover","nodes":[{"id":"freeze","action":"x"},{"id":"switch","action":"x","upstreams":["freeze"]}]},"planHash":"hash","params":{},"items":{},"seed":1,"graceMs":0,"clientToken":null,"requestHash":"request","at":1709208000250,"parent":null}', 264390443);
insert into record (run, seq, input, payload, crc) values
  (1, 0, '{"kind":"start","at":1709208000250}', null, 2886918907);
insert into record (run, seq, input, payload, crc) values
  (1, 1, '{"kind":"succeeded","at":1709208001250,"node":0,"attempt":1}', '{"frozen":true}', 445948273);
insert into record (run, seq, input, payload, crc) values
  (1, 2, '{"kind":"failed","at":1709208002250,"node":1,"attempt":1,"retryable":false}', '{"message":"no, it''s \"\ud800\" \u0000 ü"}', 828977260);
insert into record (run, seq, input, payload, crc) values
  (1, 3, '{"kind":"cancel","at":1709208003250,"node":-1}', 'null', 1169566485);
insert into record (run, seq, input, payload, crc) values
  (3, 0, '{"kind":"start","at":1709208000250}', null, 703250484);
insert into lock (resource, held_by, token, crc) values
  ('cluster-a', 1, 1, 4116096219);
insert into lock (resource, held_by, token, crc) values
  ('cluster-b', null, 1, 2442109757);
insert into request (number, request_id, run, verb, args, at, answer, crc) values
  (1, 'r', 1, 'retry', '[]', 1709208000250, null, 3097537868);
insert into log (run, line, at, node, attempt, compensation, message, details, crc) values
  (1, 0, 1709208000250, 'freeze', 1, 0, 'frozen', null, 2430869166);
