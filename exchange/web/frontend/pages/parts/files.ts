/** Files that people choose, drop and take away. */
import { h } from "./dom.ts";

export interface Chosen {
  readonly path: string;
  readonly content: File;
}

/** The files of an input; of a folder, their paths inside it. */
export const chosenIn = (input: HTMLInputElement): readonly Chosen[] =>
  [...(input.files ?? [])].map((content) => {
    const inside = content.webkitRelativePath.split("/").slice(1).join("/");
    return { path: inside || content.name, content };
  });

/** Everything that was dropped, folders walked. */
export async function dropped(transfer: DataTransfer): Promise<readonly Chosen[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((each) => each !== null);
  const found: Chosen[] = [];
  for (const entry of entries) await walk(entry, entry.isDirectory ? "" : entry.name, found);
  return found;
}

async function walk(entry: FileSystemEntry, path: string, found: Chosen[]): Promise<void> {
  if (entry.isFile) {
    const content = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path, content });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const each of some) await walk(each, path === "" ? each.name : `${path}/${each.name}`, found);
  }
}

/** Hands a file to the browser's downloads. The name never says anything of a dossier's content. */
export function handOut(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
