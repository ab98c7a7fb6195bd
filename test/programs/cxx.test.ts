import { testPrograms } from "../support/programs.ts";

testPrograms("test/programs", [".cc"]);
