/** Which command a key means. Pure, so that it can be read in one look. */

export type ViewCommand = { name: "tags" | "details" | "view_before" | "view_after" } | { name: "view"; index: number };
export type Command =
  | ViewCommand
  | { name: "candidate"; index: number }
  | { name: "accept" | "pick" | "unknown" | "skip" | "undo" | "next" | "previous" | "help" | "search" | "language" };

type Key = { key: string; code: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; shiftKey: boolean };

const PLAIN: Record<string, Command["name"]> = {
  a: "accept",
  enter: "accept",
  l: "pick",
  u: "unknown",
  s: "skip",
  z: "undo",
  j: "next",
  arrowright: "next",
  k: "previous",
  arrowleft: "previous",
  "?": "help",
  "/": "search",
  e: "language",
  t: "tags",
  i: "details",
  arrowup: "view_before",
  arrowdown: "view_after",
};

const ON_VIEWS: Command["name"][] = ["tags", "details", "view", "view_before", "view_after"];
export const isViewCommand = (command: Command): command is ViewCommand => ON_VIEWS.includes(command.name);

/** Return the command, or null. In the sample modal the arrows stay with the App. */
export function commandFor(event: Key, inModal: boolean): Command | null {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) return key === "z" && !event.shiftKey ? { name: "undo" } : null;
  if (event.altKey) return null;
  // By place on the keyboard: what Shift makes of a digit differs between layouts.
  if (event.shiftKey && /^Digit[1-6]$/.test(event.code)) return { name: "view", index: Number(event.code.slice(-1)) - 1 };
  if (/^[1-4]$/.test(key)) return { name: "candidate", index: Number(key) - 1 };
  if (inModal && (key.startsWith("arrow") || key === "j" || key === "k")) return null;
  const name = PLAIN[key];
  return name ? ({ name } as Command) : null;
}

/** True while letters belong to a text field or to an input method (kana conversion). */
export function isTyping(event: { target: EventTarget | null; nativeEvent: KeyboardEvent }): boolean {
  const { isComposing, keyCode } = event.nativeEvent;
  const target = event.target as HTMLElement | null;
  return isComposing || keyCode === 229 || !!target?.closest?.("input, textarea, select, [contenteditable=true]");
}
