/** The front page: says whether this browser can do what the pages need, before anybody tries. */
const lacking = (): boolean =>
  !("subtle" in crypto) || !("indexedDB" in globalThis) || typeof Worker === "undefined";

for (const notice of document.querySelectorAll<HTMLElement>("[data-when-browser-lacks]")) {
  notice.hidden = !lacking();
}
