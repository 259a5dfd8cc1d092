/* A real person, asked of the server by number or drawn at random, where it has the ratings. */

import { element } from "../dom.js";
import { titleOf } from "./films.js";
import { personOf } from "./flow.js";

/** @import { Lesson, Person } from "./types" */

const ANY = "any";

/** @param {string} address @param {string | null} number null: anybody @returns {Promise<Person | null>} null if nobody has the number */
export async function realPerson(address, number) {
  const answer = await fetch(`${address}/${encodeURIComponent(number ?? ANY)}`);
  if (!answer.ok) throw new Error(await answer.text());
  const found = await answer.json();
  return found && { key: "real", ...found };
}

/**
 * The choice of a real person by number, and one drawn at random. Their last films become the visitor's history.
 * @param {Element} parent @param {Lesson} lesson @param {number} most films that are shown
 */
export function realChoice(parent, lesson, most) {
  const { real } = lesson, form = element("form", "real");
  if (!real) return { show: () => {} };
  const field = element("input", "", "", { type: "text", inputmode: "numeric", size: "5", maxlength: "9", required: "", autocomplete: "off" });
  const label = element("label", "", lesson.text("real.number")), draw = element("button", "chip", lesson.text("real.draw"), { type: "button" });
  const said = element("p", "note", "", { role: "status" });
  label.append(field);
  form.append(label, element("button", "chip", lesson.text("real.show"), { type: "submit" }), draw, said);
  parent.append(form);

  /** @param {string | null} number */
  async function ask(number) {
    try {
      const found = await real?.(number);
      if (!found) { said.textContent = lesson.text("real.nobody", { number: number ?? "" }); return; }
      const person = { ...found, history: found.history.slice(-most) };
      lesson.set({ real: person, history: person.history });
      lesson.done();
    } catch {
      said.textContent = lesson.text("real.missing");
    }
  }
  form.onsubmit = (event) => { event.preventDefault(); ask(field.value.trim()); };
  draw.onclick = () => ask(null);
  return {
    /** Who is shown, as long as their films are as they were. */
    show() {
      const person = personOf(lesson);
      if (person?.number) field.value = person.number;
      said.textContent = person?.number ? lesson.text("real.found", { number: person.number, count: person.history.length, film: titleOf(lesson, person.next) }) : "";
    },
  };
}
