/** Building and finding elements. Text is always text: nothing here takes HTML. */
export type Child = Node | string | null | false | undefined;
type Value = string | boolean | undefined | ((event: Event) => void);
export type Props = Readonly<Record<string, Value>>;

/** An element with attributes, listeners (`onclick: …`) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (typeof value === "string") made.setAttribute(name, value);
  }
  made.append(...children.filter((each): each is Node | string => each instanceof Node || typeof each === "string"));
  return made;
}

/** The element of this page with that id; a page without it is a fault of ours. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

export function within<T extends HTMLElement = HTMLElement>(place: ParentNode, selector: string): T {
  const found = place.querySelector<T>(selector);
  if (found === null) throw new Error(`nothing here is ${selector}`);
  return found;
}

/** A copy of a `<template>` of the page: its one element. */
export function cloned<T extends HTMLElement = HTMLElement>(id: string): T {
  const { content } = byId<HTMLTemplateElement>(id);
  return content.firstElementChild?.cloneNode(true) as T;
}

export const valueOf = (id: string): string => byId<HTMLInputElement>(id).value;

export const show = (element: HTMLElement, shown = true): void => void (element.hidden = !shown);

/** Moves the reader there: keyboard and screen reader follow what changed. */
export function focusOn(element: HTMLElement): void {
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus();
}

/** Rows of a description list. */
export const facts = (...pairs: readonly (readonly [string, Child])[]): HTMLElement[] =>
  pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);

export interface Cell {
  readonly content: Child | readonly Child[];
  /** The row's header. */
  readonly head?: boolean;
}

/** A table that becomes a list of cards on a narrow screen. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly (Cell | Child)[])[],
): HTMLElement {
  const cell = (given: Cell | Child, at: number): HTMLElement => {
    const { content, head } =
      given !== null && typeof given === "object" && "content" in given && !(given instanceof Node)
        ? given
        : { content: given as Child, head: false };
    const list = Array.isArray(content) ? (content as Child[]) : [content as Child];
    const label = { "data-label": columns[at] ?? "" };
    return head === true ? h("th", { scope: "row" }, ...list) : h("td", label, ...list);
  };
  const head = h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name)));
  const body = rows.map((row) => h("tr", {}, ...row.map(cell)));
  return h(
    "table",
    { class: "stack" },
    h("caption", {}, caption),
    h("thead", {}, head),
    h("tbody", {}, ...body),
  );
}
