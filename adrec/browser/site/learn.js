/* The lesson as a page of the site. */

import { element } from "../dom.js";
import { mount } from "../lesson/lesson.js";
import { open } from "./load.js";

export const start = () => open((main, data) => {
  main.append(element("section", "lesson"));
  mount({ parentElement: main, data, setTriggerValue: () => {} });
});
