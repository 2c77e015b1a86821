/** What this browser knows of its person, without any secret in the clear (exchange/client/profile.py). */
import { type Bytes, utf8 } from "./bytes.ts";
import { ExplainedError } from "./errors.ts";
import type { Store } from "./store.ts";
import { type Trust, parseTrust, sameTrust, trustJson } from "./trust.ts";

export interface Settings {
  readonly kind: "device" | "registrar";
  readonly person: string | null;
  readonly name: string | null;
  readonly organisation: string | null;
  readonly roles: readonly string[];
  readonly invitation: string | null;
  readonly enrolment: string | null;
  readonly certificate: string | null;
  /** `1234 5678 …` of this device, to read out before the key is unlocked. */
  readonly spoken: string | null;
}

const NEW: Settings = {
  kind: "device",
  person: null,
  name: null,
  organisation: null,
  roles: [],
  invitation: null,
  enrolment: null,
  certificate: null,
  spoken: null,
};

export class Profile {
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  async settings(): Promise<Settings> {
    return { ...NEW, ...((await this.store.get<Settings>("profile", "settings")) ?? {}) };
  }

  change(changes: Partial<Settings>): Promise<void> {
    return this.store.alone(async () =>
      this.store.put("profile", "settings", { ...(await this.settings()), ...changes }),
    );
  }

  /** The pinned anchor; throws kind "usage" when nothing is pinned. */
  async trust(): Promise<Trust> {
    const kept = await this.store.get<string>("profile", "trust");
    if (kept === null) {
      throw new ExplainedError(
        "usage",
        "Ce navigateur ne fait encore confiance à aucune commission : ouvrez d'abord votre invitation.",
      );
    }
    return parseTrust(utf8(kept));
  }

  /** Pins the anchor, once: another one is never accepted in the same browser profile. */
  pin(trust: Trust): Promise<void> {
    return this.store.alone(async () => {
      const kept = await this.store.get<string>("profile", "trust");
      if (kept !== null && !sameTrust(parseTrust(utf8(kept)), trust)) {
        throw new ExplainedError(
          "untrusted",
          "Ce navigateur fait déjà confiance à une autre commission ou à d'autres clés racine. Si c'est " +
            "voulu, prenez un autre profil de navigateur ; sinon, prévenez le secrétariat.",
        );
      }
      if (kept === null) await this.store.put("profile", "trust", trustJson(trust));
    });
  }

  keyFile(): Promise<Bytes | null> {
    return this.store.get<Bytes>("profile", "keyfile");
  }

  keepKeyFile(data: Bytes): Promise<void> {
    return this.store.put("profile", "keyfile", data);
  }

  keepReceipt(name: string, receipt: string): Promise<void> {
    return this.store.put("receipts", name, receipt);
  }

  receipt(name: string): Promise<string | null> {
    return this.store.get<string>("receipts", name);
  }

  keepStatement(digest: string, envelope: string): Promise<void> {
    return this.store.put("statements", digest, envelope);
  }

  /** Remembers a status number; false when it is not higher than the last one of that broker key. */
  raiseStatusNumber(brokerKey: string, number: number): Promise<boolean> {
    return this.store.alone(async () => {
      const numbers = (await this.store.get<Record<string, number>>("profile", "status")) ?? {};
      if (number <= (numbers[brokerKey] ?? 0)) return false;
      await this.store.put("profile", "status", { ...numbers, [brokerKey]: number });
      return true;
    });
  }

  /** Digests of the certificates sealed for so far. */
  async knownDevices(): Promise<ReadonlySet<string>> {
    return new Set((await this.store.get<readonly string[]>("profile", "known-devices")) ?? []);
  }

  rememberDevices(certificates: Iterable<string>): Promise<void> {
    return this.store.alone(async () => {
      const known = new Set([...(await this.knownDevices()), ...certificates]);
      await this.store.put("profile", "known-devices", [...known].sort());
    });
  }
}
