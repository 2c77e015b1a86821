/** The worker: scrypt, sealing and opening, off the page's thread. */
import { answer } from "../core/workshop.ts";

interface WorkerScope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

const scope = self as unknown as WorkerScope;
scope.onmessage = ({ data }) => void answer(data, (reply) => scope.postMessage(reply));
