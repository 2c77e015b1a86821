/** What the secretariat needs beyond the frame. */
export { peopleView } from "../space/people.ts";
export { registrarPart } from "../space/registrar.ts";
export { rosterView } from "../space/roster.ts";
export { newSittingForm } from "../space/sitting_form.ts";
