/** Short messages that name what was done, with an undo button. */
import * as React from "react";
import { KeyCap, useWords } from "./ui";

type Tone = "busy" | "done" | "plain";
type Toast = { id: number; text: string; tone: Tone; undo?: boolean };
export type Toasts = {
  list: Toast[];
  add: (toast: Omit<Toast, "id">) => number;
  replace: (id: number, toast: Omit<Toast, "id">) => void;
  remove: (id: number) => void;
  /** Drop the offers to undo: what they are about was undone, and their button would now undo something older. */
  undone: () => void;
};

const SHOWN_MS = 6000; // long enough to read a Japanese sentence and reach the undo button
const KEPT = 2;

const Context = React.createContext<Toasts>({ list: [], add: () => 0, replace: () => {}, remove: () => {}, undone: () => {} });
export const useToasts = () => React.useContext(Context);
export const ToastProvider = Context.Provider;

export function useToastList(): Toasts {
  const [list, setList] = React.useState<Toast[]>([]);
  const last = React.useRef(0);
  const commands = React.useMemo(() => {
    const remove = (id: number) => setList((now) => now.filter((toast) => toast.id !== id));
    const expire = (id: number) => window.setTimeout(() => remove(id), SHOWN_MS);
    const add = (toast: Omit<Toast, "id">) => {
      const id = ++last.current;
      setList((now) => [...now.slice(1 - KEPT), { ...toast, id }]);
      if (toast.tone !== "busy") expire(id);
      return id;
    };
    const replace = (id: number, toast: Omit<Toast, "id">) => {
      setList((now) => now.map((old) => (old.id === id ? { ...toast, id } : old)));
      expire(id);
    };
    const undone = () => setList((now) => now.filter((toast) => !toast.undo));
    return { add, replace, remove, undone };
  }, []);
  return { list, ...commands };
}

export function ToastStack({ list, undo }: { list: Toast[]; undo: () => void }) {
  const { say } = useWords();
  return (
    <div className="semc-toasts">
      <div role="status" aria-live="polite" data-cy="semc-toasts">
        {list.map((toast) => (
          <div key={toast.id} className={`semc-toast semc-${toast.tone}`}>
            <span>{toast.text}</span>
            {toast.undo && (
              <button onClick={undo}>
                {say("undo")} <KeyCap>Z</KeyCap>
              </button>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}
