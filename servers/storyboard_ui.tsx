// The storyboard of an answer for LangGraph's generative UI: every step with all attempts at it, and the critic's words.
// `graph/generative_ui.py` makes the props; langgraph.ui.json names this file. React comes from the chat client.
import * as React from "react";

type Attempt = { prompt: string; image: string | null; selected: boolean; accepted: boolean | null; reason: string };
type Step = { number: number; title: string; status: string; texts: string[]; attempts: Attempt[] };

const LABELS: Record<string, string> = {
  accepted: "accepted",
  best_effort: "best effort",
  not_judged: "not judged",
  refused: "no image",
  text_only: "text",
};

function verdict(attempt: Attempt): string {
  return attempt.accepted === null ? "not judged" : attempt.accepted ? "accepted" : "rejected";
}

function StepCard({ step }: { step: Step }) {
  const chosen = step.attempts.findIndex((attempt) => attempt.selected);
  const [shown, show] = React.useState(Math.max(chosen, 0));
  const attempt = step.attempts[Math.min(shown, step.attempts.length - 1)];
  const many = step.attempts.length > 1;
  return (
    <section style={{ flex: "0 0 224px", border: "1px solid #d4d4d8", borderRadius: 12, padding: 12, fontSize: 13 }}>
      <strong>{`${step.number}. ${step.title}`}</strong>
      <div style={{ color: "#71717a", margin: "2px 0 8px" }}>{LABELS[step.status] ?? step.status}</div>
      {attempt?.image && <img src={attempt.image} alt={attempt.prompt} style={{ width: "100%", borderRadius: 8 }} />}
      {many && (
        <div role="group" aria-label={`Attempts at step ${step.number}`} style={{ display: "flex", gap: 6, marginTop: 6 }}>
          {step.attempts.map((each, index) => (
            <button
              key={index}
              type="button"
              aria-pressed={index === shown}
              onClick={() => show(index)}
              style={{ border: "1px solid #a1a1aa", borderRadius: 6, minWidth: 32, minHeight: 32, fontWeight: index === shown ? 700 : 400 }}
            >
              {index + 1}
            </button>
          ))}
        </div>
      )}
      {attempt && (
        <p style={{ margin: "8px 0 0" }}>
          <em>{attempt.prompt}</em>
          {` (${verdict(attempt)})`}
          {attempt.reason && <span style={{ color: "#71717a" }}>{`: ${attempt.reason.slice(0, 300)}`}</span>}
        </p>
      )}
      {step.texts.map((text, index) => (
        <p key={index} style={{ margin: "8px 0 0" }}>{text}</p>
      ))}
    </section>
  );
}

function Storyboard({ steps }: { status: string; notes: string[]; steps: Step[] }) {
  return (
    <div style={{ display: "flex", gap: 12, overflowX: "auto", alignItems: "flex-start" }}>
      {steps.map((step) => (
        <StepCard key={step.number} step={step} />
      ))}
    </div>
  );
}

export default { storyboard: Storyboard };
