/**
 * The wire between a journal and its server, in a test's hands: what goes either way is passed on, held back, or cut. Owns:
 * the sockets. Bytes only; it knows nothing of the protocol.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class Wire {
  readonly #listener: Server;
  #target: { readonly host: string; readonly port: number };
  readonly #pairs = new Set<Pair>();
  #port = 0;
  #holdsRequests = false;
  #holdsAnswers = false;
  #holdsAnswersTo: string | undefined;
  #refuses = false;
  /** Bytes that journals have sent, held ones included. */
  sent = 0;
  /** Bytes of answers that arrived late, see `delayAnswers`. */
  passed = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#listener = createServer((client) => this.#join(client, connect(this.#target.port, this.#target.host)));
  }

  static async to(target: { readonly host: string; readonly port: number }): Promise<Wire> {
    const wire = new Wire(target);
    wire.#listener.listen(0, "127.0.0.1");
    await once(wire.#listener, "listening");
    wire.#port = (wire.#listener.address() as { port: number }).port;
    return wire;
  }

  get port(): number {
    return this.#port;
  }

  /** New connections lead there, as a name that was changed. */
  leadTo(target: { readonly host: string; readonly port: number }): void {
    this.#target = target;
  }

  /** Nothing that a journal sends arrives any more, as if the server were frozen. */
  holdRequests(): void {
    this.#holdsRequests = true;
    for (const { client } of this.#pairs) client.removeAllListeners("data");
    for (const { client } of this.#pairs) this.#count(client);
  }

  /** What the server answers does not arrive any more; with a text, only the answer to the next request that holds it. */
  holdAnswers(to?: string): void {
    this.#holdsAnswersTo = to;
    if (to !== undefined) return;
    this.#holdsAnswers = true;
    for (const { server } of this.#pairs) deafen(server);
  }

  /** What the server answers waits until `passAnswers`. */
  delayAnswers(): void {
    for (const { server } of this.#pairs) server.pause();
  }

  passAnswers(): void {
    for (const { server } of this.#pairs) {
      server.on("data", ({ length }) => {
        this.passed += length;
      });
      server.resume();
    }
  }

  /** New connections are broken at once, until the next `cut`. */
  refuse(): void {
    this.#refuses = true;
  }

  /** Breaks every connection. What was held is gone; new connections are passed on, unless they are refused. */
  cut({ refuse = false }: { refuse?: boolean } = {}): void {
    this.#holdsRequests = false;
    this.#holdsAnswers = false;
    this.#holdsAnswersTo = undefined;
    this.#refuses = refuse;
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    this.cut({ refuse: true });
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #join(client: Socket, server: Socket): void {
    const pair: Pair = { client, server };
    for (const socket of [client, server]) {
      socket.on("error", () => undefined);
      socket.once("close", () => {
        client.destroy();
        server.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (this.#refuses) {
      client.destroy();
      server.destroy();
      return;
    }
    this.#pairs.add(pair);
    this.#count(client);
    if (!this.#holdsRequests) client.on("data", (bytes) => this.#pass(bytes, server));
    if (this.#holdsAnswers) server.resume();
    else server.on("data", (bytes) => client.write(bytes));
  }

  #pass(bytes: Buffer, server: Socket): void {
    if (this.#holdsAnswersTo !== undefined && bytes.includes(this.#holdsAnswersTo)) {
      this.#holdsAnswersTo = undefined;
      deafen(server);
    }
    server.write(bytes);
  }

  #count(client: Socket): void {
    client.on("data", ({ length }) => {
      this.sent += length;
    });
  }
}

/** What the server says from now on is read by nobody. */
function deafen(server: Socket): void {
  server.removeAllListeners("data");
  server.resume();
}
