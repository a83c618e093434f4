/** Small building blocks shared by the tabs. */
import * as React from "react";
import { getSampleSrc } from "@fiftyone/state";
import type { Lang } from "./types";
import type { Say } from "./texts";

export const Words = React.createContext<{ lang: Lang; say: Say }>({ lang: "en", say: (key) => key });
export const useWords = () => React.useContext(Words);

/** One line of text that never breaks the layout; the whole of it shows on hover. */
export const Clip = ({ children, className = "" }: { children: string; className?: string }) => (
  <span className={`semc-clip ${className}`} title={children}>
    {children}
  </span>
);

/** An image that says so when its file cannot be loaded. */
export function Picture({ path, alt }: { path: string | null; alt: string }) {
  const [broken, setBroken] = React.useState(false);
  React.useEffect(() => setBroken(false), [path]);
  if (!path || broken) return <div className="semc-noimage">{alt}</div>;
  return <img src={getSampleSrc(path)} alt={alt} draggable={false} onError={() => setBroken(true)} />;
}

export const share = (value: number | null | undefined) => Math.max(0, Math.min(1, value ?? 0));

export function Meter({ label, value, text, tone }: { label: string; value: number | null; text: string; tone?: string }) {
  return (
    <div className="semc-meter" title={`${label} ${text}`}>
      <span>{label}</span>
      <div className="semc-bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={1} aria-valuenow={share(value)}>
        <i className={tone} style={{ width: `${share(value) * 100}%` }} />
      </div>
      <b>{text}</b>
    </div>
  );
}

export const KeyCap = ({ children }: { children: string }) => <kbd className="semc-kbd">{children}</kbd>;

export function Empty(props: { mark: string; title: string; cy: string; children?: React.ReactNode }) {
  return (
    <div className="semc-empty" data-cy={props.cy} role="status">
      <div className="semc-empty-mark" aria-hidden>
        {props.mark}
      </div>
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** A layer over the panel. Its Escape must not reach the App, which would close the sample modal. */
export function Layer(props: { label: string; close: () => void; cy: string; children: React.ReactNode }) {
  const { say } = useWords();
  const box = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (!box.current?.contains(document.activeElement)) box.current?.focus();
  }, []);
  const onKeyDown = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape" && !event.nativeEvent.isComposing) props.close();
  };
  return (
    <div className="semc-layer" onClick={props.close} onKeyDown={onKeyDown}>
      <div
        ref={box}
        className="semc-dialog"
        data-cy={props.cy}
        role="dialog"
        aria-modal
        aria-label={props.label}
        tabIndex={-1}
        onClick={(event) => event.stopPropagation()}
      >
        <button className="semc-close" onClick={props.close} aria-label={say("close")} title={say("close")}>
          ×
        </button>
        {props.children}
      </div>
    </div>
  );
}
