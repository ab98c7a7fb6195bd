import { testPrograms } from "../support/programs.ts";

testPrograms("test/programs/languages", [".f90", ".d", ".adb", ".c", ".cc", ".m", ".mod"]);
