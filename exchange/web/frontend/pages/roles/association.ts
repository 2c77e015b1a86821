/** What an association's depositors need beyond the frame. */
export { associationPart } from "../space/association.ts";
