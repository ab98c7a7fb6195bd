/** A function that is reached through a stub. */
export interface KnownStub {
  /** Address of the word that says where the stub leads. */
  readonly slot: number;
}

/** A variable's place in the executor, which every version of its object uses. */
export interface Storage {
  readonly address: number;
  readonly size: number;
  /** The end of the section that it lies in, up to which code may find it by its distance from another variable. */
  readonly sectionEnd: number;
}

/** What is linked of a program whose objects can be replaced. */
export interface KnownProgram {
  /** By name; functions that only one object knows are called `object:name`. */
  readonly stubs: ReadonlyMap<string, KnownStub>;
  /** Of variables that all objects know, by name. */
  readonly variables: ReadonlyMap<string, Storage>;
  /** Of those that one object knows, by that object's name and then by `Variable.key`. */
  readonly localVariables: ReadonlyMap<string, ReadonlyMap<string, Storage>>;
  /** Whether something that is linked has this name. */
  defines(name: string): boolean;
  /** Address of a library's variable that the program has a copy of. */
  copyOf(name: string): number | undefined;
}
