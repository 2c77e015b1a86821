/**
 * What a browser keeps of its person, in boxes of named values: IndexedDB, or memory for tests.
 *
 * Secrets are kept only sealed (key file, file keys); the rest is what the person was shown and signed.
 */
import { ExplainedError } from "./errors.ts";

export type Box =
  | "profile" // settings, trust, key file, checkpoint, status numbers, known devices
  | "receipts"
  | "statements"
  | "filekeys" // age files to the own recipient
  | "deposits" // sealed deposits on their way
  | "packs" // sealed packs, for reading without network
  | "faults" // headers that turned out dead, until a complaint is signed
  | "evidence"; // contradictory checkpoints

export interface Store {
  get<T>(box: Box, key: string): Promise<T | null>;
  put(box: Box, key: string, value: unknown): Promise<void>;
  delete(box: Box, key: string): Promise<void>;
  keys(box: Box): Promise<readonly string[]>;
  /** Runs alone among all tabs of this browser. Short sections only. */
  alone<T>(act: () => Promise<T>): Promise<T>;
}

/** One act after the other, within this page. */
class Queue {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(act: () => Promise<T>): Promise<T> {
    const next = this.last.then(act, act);
    this.last = next.catch(() => undefined);
    return next;
  }
}

export function memoryStore(): Store {
  const kept = new Map<string, unknown>();
  const queue = new Queue();
  const name = (box: Box, key: string): string => `${box}/${key}`;
  return {
    get: async <T>(box: Box, key: string) => (kept.get(name(box, key)) as T | undefined) ?? null,
    put: async (box, key, value) => void kept.set(name(box, key), structuredClone(value)),
    delete: async (box, key) => void kept.delete(name(box, key)),
    keys: async (box) =>
      [...kept.keys()].filter((each) => each.startsWith(`${box}/`)).map((each) => each.slice(box.length + 1)).sort(),
    alone: (act) => queue.run(act),
  };
}

const DATABASE = "dossier-exchange";
const SHELF = "kept";
const LOCK = "dossier-exchange-profile";

/** The browser's database of this site. */
export function browserStore(factory: IDBFactory = indexedDB): Store {
  let opened: Promise<IDBDatabase> | null = null;
  const queue = new Queue();
  const database = (): Promise<IDBDatabase> => {
    opened ??= open(factory);
    return opened;
  };
  const run = async <T>(
    mode: IDBTransactionMode,
    act: (shelf: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const transaction = (await database()).transaction(SHELF, mode, { durability: "strict" });
    return settled(transaction, act(transaction.objectStore(SHELF)));
  };
  return {
    get: async <T>(box: Box, key: string) =>
      ((await run("readonly", (shelf) => shelf.get([box, key]))) as T | undefined) ?? null,
    put: async (box, key, value) =>
      void (await run("readwrite", (shelf) => shelf.put(value, [box, key]))),
    delete: async (box, key) => void (await run("readwrite", (shelf) => shelf.delete([box, key]))),
    keys: async (box) => {
      const range = IDBKeyRange.bound([box], [box, []]);
      const found = await run("readonly", (shelf) => shelf.getAllKeys(range));
      return found.map((each) => (Array.isArray(each) ? String(each[1]) : ""));
    },
    alone: async <T>(act: () => Promise<T>): Promise<T> => {
      if (!("locks" in navigator)) return queue.run(act);
      return (await navigator.locks.request(LOCK, act)) as T;
    },
  };
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore(SHELF);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(unusable());
    request.onblocked = () => reject(unusable());
  });
}

function settled<T>(transaction: IDBTransaction, request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(unusable());
    transaction.onabort = () => reject(unusable());
  });
}

const unusable = () =>
  new ExplainedError(
    "usage",
    "Ce navigateur refuse d'enregistrer (espace plein ou navigation privée) : libérez de la place ou " +
      "ouvrez une fenêtre ordinaire, puis recommencez.",
  );
