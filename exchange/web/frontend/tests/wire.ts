/** A browser's transport, played in node: cookies, Origin, and a hand that may tamper with answers. */
import type { Wire } from "../core/connection.ts";

/** Changes the body of an answer; returns null to leave it. */
export type Attack = (target: string, body: string) => string | null;

export interface NodeWire {
  readonly send: Wire;
  attack(attack: Attack | null): void;
  /** No answer any more: the machine is off line. */
  unplug(off: boolean): void;
  /** The line breaks after so many parts; null mends it. */
  cutParts(after: number | null): void;
  /** How many parts were sent so far. */
  parts(): number;
}

export function nodeWire(url: string): NodeWire {
  const cookies = new Map<string, string>();
  let attack: Attack | null = null;
  let off = false;
  let left: number | null = null;
  let parts = 0;
  const send: Wire = async (target, request) => {
    if (off) throw new TypeError("off line");
    const isPart = /\/parts\/\d+$/.test(target);
    if (isPart) {
      if (left !== null && left <= 0) throw new TypeError("the line broke");
      if (left !== null) left -= 1;
      parts += 1;
    }
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(request.headers as Record<string, string>), Origin: new URL(url).origin, Cookie: cookie };
    const answer = await fetch(url + target, { ...request, headers, redirect: "error" }).catch((error: unknown) => {
      if (isPart && left !== null) left += 1; // the line broke by itself: this part does not count as sent
      throw error;
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ""] = line.split(";");
      cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    if (attack === null) return answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const changed = attack(target, new TextDecoder("latin1").decode(bytes));
    const body = changed === null ? bytes : Uint8Array.from(changed, (letter) => letter.charCodeAt(0));
    return new Response(answer.status === 204 ? null : body, { status: answer.status, headers: answer.headers });
  };
  return {
    send,
    attack: (given) => void (attack = given),
    unplug: (given) => void (off = given),
    cutParts: (after) => void (left = after),
    parts: () => parts,
  };
}
