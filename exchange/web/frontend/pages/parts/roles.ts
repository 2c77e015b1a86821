/**
 * The scripts of a role, fetched once a person has it: nobody waits for what others use.
 *
 * `import()` takes no integrity attribute. The page therefore names each role's files with theirs in an
 * inert template; here they are fetched as `modulepreload` links, which the browser checks, before the
 * import asks for them. A module that failed its check stays failed: the import cannot fetch it anew.
 */
import { ExplainedError } from "../../core/errors.ts";
import { byId } from "./dom.ts";

const ROLES = {
  association: () => import("../roles/association.ts"),
  auditor: () => import("../roles/auditor.ts"),
  member: () => import("../roles/member.ts"),
  registrar: () => import("../roles/registrar.ts"),
} as const;

type Roles = { readonly [R in keyof typeof ROLES]: Awaited<ReturnType<(typeof ROLES)[R]>> };

/** The role's views. A file that does not come, or is not the published one, is a refusal. */
export async function roleScripts<R extends keyof Roles>(role: R): Promise<Roles[R]> {
  const { content } = byId<HTMLTemplateElement>(`scripts-${role}`);
  await Promise.all([...content.querySelectorAll("link")].map(checked));
  return (await ROLES[role]()) as Roles[R];
}

/** Each file once: two views may ask for the same one, and a failure lasts until the page is reloaded. */
const asked = new Map<string, Promise<void>>();

function checked(template: HTMLLinkElement): Promise<void> {
  const known = asked.get(template.href);
  if (known !== undefined) return known;
  const link = document.importNode(template);
  const came = new Promise<void>((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => reject(notAsPublished()));
  });
  asked.set(template.href, came);
  document.head.append(link);
  return came;
}

const notAsPublished = (): ExplainedError =>
  new ExplainedError(
    "unreachable",
    "Une partie de cette page n'est pas arrivée, ou n'est pas celle qui a été publiée. Rechargez la page ; " +
      "si cela se répète, n'y travaillez pas et prévenez le secrétariat.",
  );
