/** What members need beyond the frame: declaring, taking, reading, also without a network. */
export { memberPart } from "../space/member.ts";
export { offlineView } from "../space/offline.ts";
export { readingView } from "../space/reading.ts";
