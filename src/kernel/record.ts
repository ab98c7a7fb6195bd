// Where the kernel finds the tables of a job: records of 32-bit words and 64-bit numbers in the linear memory, given by their byte
// offsets. Compiled by both compilers, TypeScript's and AssemblyScript's, so it holds constants and nothing else.

// The tables of a job (GraphTables): positions of their columns.
export const SECTION_KIND = 0;
export const SECTION_GRAPH = 4;
export const SECTION_CONTENT = 8;
export const SECTION_SIZE = 12;
export const SECTION_ALIGNMENT = 16;
export const SECTION_NAME = 20;
export const SECTION_RELOCATIONS = 24;
export const SECTION_RELOCATION_COUNT = 28;
export const SECTION_ADDRESS = 32;
export const SYMBOL_SECTION = 36;
export const SYMBOL_VALUE = 40;
export const SYMBOL_ID = 44;
export const SYMBOL_INFO = 48;
/** Position of the packed graphs. */
export const GRAPHS = 52;

/** Bytes of a graph's entry at GRAPHS, and its words. */
export const GRAPH_SIZE = 16;
export const GRAPH_FIRST_SYMBOL = 0;
export const GRAPH_SYMBOL_COUNT = 4;
export const GRAPH_LOCAL_COUNT = 8;
/** Position of the file's symbol table. */
export const GRAPH_SYMBOL_ENTRIES = 12;

// The pool of names (SymbolStringPool).
export const POOL_SLOTS = 0;
export const POOL_MASK = 4;
export const POOL_HASH = 8;
export const POOL_START = 12;
export const POOL_LENGTH = 16;
export const POOL_STORE = 20;
export const POOL_USED = 24;
export const POOL_COUNT = 28;
/** Some name may bear a version. */
export const POOL_HAS_VERSIONS = 32;
/** Bytes of the store. */
export const POOL_STORE_SIZE = 36;

/** Bytes of every record. */
export const RECORD_SIZE = 256;

// Copying and fixing up, in the record of a job's tables. Numbers of 64 bits are addresses in the executor.
/** Address minus position of working memory. */
export const WORK_BASE = 64;
/** The first stub, and the end of those of indirect functions, which are the first ones. */
export const STUBS = 72;
export const INDIRECT_END = 80;
export const GLOBAL_OFFSET_TABLE = 88;
/** Positions of columns by name identifier: number of the name's stub + 1; distance of its slot from the table's start + 1. */
export const STUB_OF_NAME = 104;
export const SLOT_OF_NAME = 108;

// What one call of `applyRelocations` answers: words, then pairs (section row, position of the relocation entry) that it left.
/** How many pairs there is room for; in. */
export const LEFT_CAPACITY = 0;
export const LEFT_COUNT = 4;
/** Where to go on, as the room is used up: row, and position of the entry or 0; in and out. */
export const NEXT_ROW = 8;
export const NEXT_ENTRY = 12;
/** Number of entries seen. */
export const APPLIED = 16;
/** Of `applyChunks`: where the chunk ends that NEXT_ROW is in. */
export const LAST_ROW = 20;
export const LEFT_PAIRS = 24;

/** Bytes that sorting takes beside the room for all rows. */
export const SORT_GROUPS = 1024;

// What is known of the names of a job (SymbolResolution), in the record of its tables: positions of columns by name identifier.
export const NAME_DEFINITION = 112;
export const NAME_REFERENCES = 116;
export const NAME_INVISIBLE = 120;
export const NAME_WANTED = 124;
export const NAME_OFFERED = 128;
/** Addresses of what the job takes from outside, and what each of them is (ExternalKind). */
export const NAME_EXTERNAL = 132;
export const NAME_EXTERNAL_KIND = 136;
/** Results of `linkFar`. */
export const TABLE_USED = 140;

/** Position of the column by name identifier: the graph that provides the group of that signature, + 1. */
export const GROUP_OWNER = 144;

// What archives can define (SymbolResolution): positions of columns by number of the offer, and how many there are.
export const OFFER_SOURCE = 148;
export const OFFER_INDEX = 152;
export const OFFER_BEFORE = 156;
export const OFFER_COUNT = 160;

/** Result of `listExports`. */
export const EXPORTS_BYTES = 164;

/** Where in the record of a job's tables `scanObject` says what it found. */
export const OBJECT_RECORD = 192;

// What `scanObject` says of a file: numbers, and positions.
export const OBJECT_GROUPS = 0;
export const OBJECT_SYMBOL_TABLE = 4;
export const OBJECT_SYMBOLS = 8;
export const OBJECT_LOCALS = 12;
export const OBJECT_NAMES = 16;
export const OBJECT_NAMES_SIZE = 20;

// A queue of files whose sections are to be read: how many were added, taken and finished, and whether more will come. An entry has the file's
// position and length, its graph, its first section, and what became of it.
export const QUEUE_ADDED = 0;
export const QUEUE_TAKEN = 4;
export const QUEUE_FINISHED = 8;
export const QUEUE_CLOSED = 12;
export const QUEUE_ENTRIES = 64;
export const QUEUE_ENTRY_SIZE = 20;
