/** What auditors need beyond the frame. */
export { auditView } from "../space/auditor.ts";
