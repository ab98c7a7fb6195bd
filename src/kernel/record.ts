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
export const GRAPH_SIZE = 48;
export const GRAPH_FIRST_SYMBOL = 0;
export const GRAPH_SYMBOL_COUNT = 4;
export const GRAPH_LOCAL_COUNT = 8;
/** Position of the file's symbol table. */
export const GRAPH_SYMBOL_ENTRIES = 12;
/** What else the kernel says of a graph that it has made. */
export const GRAPH_FIRST_SECTION = 16;
export const GRAPH_SECTION_COUNT = 20;
/** Position and end of the symbols' names. */
export const GRAPH_NAMES = 24;
export const GRAPH_NAMES_END = 28;
/** The archive it is a member of, and the place of the member's header there. */
export const GRAPH_SOURCE = 32;
export const GRAPH_MEMBER = 36;

// The pool of names (SymbolStringPool).
export const POOL_SLOTS = 0;
export const POOL_MASK = 4;
/** Position of the names' entries: one line of the processor's cache has all that is asked of a name. */
export const POOL_NAMES = 8;
export const POOL_STORE = 20;
export const POOL_USED = 24;
export const POOL_COUNT = 28;
/** Some name may bear a version. */
export const POOL_HAS_VERSIONS = 32;
/** Bytes of the store. */
export const POOL_STORE_SIZE = 36;

/** Names that there is room for. */
export const POOL_CAPACITY = 40;

/** Bytes of a name's entry at POOL_NAMES, and its words: where its bytes begin in the store, and how many they are. */
export const NAME_ENTRY_SIZE = 16;
export const NAME_HASH = 0;
export const NAME_START = 4;
export const NAME_LENGTH = 8;
/** A slot has the identifier + 1, and above it the highest bits of the hash, so that hardly any other name is looked at. */
export const SLOT_TAG_SHIFT = 26;
export const SLOT_ID = 0x3ffffff;

// How names are hashed: blocks of 16 bytes, of the last one what is behind the name taken for zeros, in four lanes.
export const HASH_SEED = 0x811c9dc5;
export const HASH_FACTOR = 0x9e3779b1;

/** Bytes of every record. */
export const RECORD_SIZE = 512;

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

// What archives can define (Offers): positions of columns by number of the offer, and how many there are.
export const OFFER_SOURCE = 148;
export const OFFER_INDEX = 152;
export const OFFER_BEFORE = 156;
export const OFFER_COUNT = 160;
export const OFFER_NAME = 256;

/** Result of `listExports`. */
export const EXPORTS_BYTES = 164;

/** The offers that are wanted (OfferSet): position, and how many words its first level has. */
export const OFFER_SET = 260;
export const OFFER_SET_WORDS = 264;

/** Position of the packed sources. */
export const SOURCES = 268;
/** Bytes of a source's entry at SOURCES, the first of them for number 1, and its words. */
export const SOURCE_SIZE = 48;
export const SOURCE_GROUP = 0;
/** Its offers, [first, end). */
export const SOURCE_FIRST_OFFER = 4;
export const SOURCE_END_OFFER = 8;
/** Position and bytes of the archive; 0 bytes when its members are to be taken by the other one. */
export const SOURCE_ARCHIVE = 12;
export const SOURCE_ARCHIVE_SIZE = 16;
/** Position of the offsets in its index, and bytes of each. */
export const SOURCE_INDEX = 20;
export const SOURCE_INDEX_WORD = 24;
/** Offset and bytes of the table of long names. */
export const SOURCE_NAMES = 28;
export const SOURCE_NAMES_SIZE = 32;

/** Members that have been taken (MemberSet): position, words - 1, and how many there are. */
export const MEMBERS = 272;
export const MEMBERS_MASK = 276;
export const MEMBERS_COUNT = 280;

/** By name identifier up to WANTED_COUNT: the names that were asked for in this round, in that order. */
export const WANTED_NAMES = 284;
export const WANTED_COUNT = 288;

// The walk through the offers that are wanted (OfferWalk).
/** Source that is being visited or was the last one, and whether it is being visited. */
export const WALK_POSITION = 292;
export const WALK_IS_VISITING = 296;
/** Where to look next, where the offers end that are walked through, and where to begin again behind a visit; -1: behind its source. */
export const WALK_AT = 300;
export const WALK_END = 304;
export const WALK_RESTART = 308;
/** The offer that is left to the other one. */
export const WALK_OFFER = 312;
/** Where rows of the last graph are written that are left, how many there is room for, and how many there are. */
export const WALK_ROWS = 316;
export const WALK_ROWS_CAPACITY = 320;
export const WALK_ROW_COUNT = 324;
/** Sections of the last graph are left. */
export const WALK_SECTIONS_LEFT = 328;
/** Rows beyond the ends of the tables have been written to, so many of sections; those of symbols are in OBJECT_RECORD. */
export const WALK_DIRTY_SECTIONS = 332;

// How many rows the tables have, and how many there is room for, while the kernel adds to them.
export const SECTION_COUNT = 336;
export const SECTION_CAPACITY = 340;
export const SYMBOL_COUNT = 344;
export const SYMBOL_CAPACITY = 348;
export const GRAPH_COUNT = 352;
export const GRAPH_CAPACITY = 356;
/** Names that every column by name has room for, but for the owners of groups. */
export const NAME_CAPACITY = 360;
export const GROUP_CAPACITY = 364;

// Why `takeMembers` has come back.
/** Nothing more is wanted. */
export const WALK_DONE = 0;
/** The offer in WALK_OFFER is left. */
export const WALK_LEFT_OFFER = 1;
/** The last graph has left sections or rows. */
export const WALK_LEFT_PARTS = 2;
/** The last graph has names with versions: its symbols are left. */
export const WALK_LEFT_VERSIONS = 3;
/** There is no room for the object in OBJECT_RECORD, of OBJECT_SECTIONS sections. */
export const WALK_NO_ROOM = 4;
/** So many members have been taken as were asked for. */
export const WALK_PAUSE = 5;

/** Where in the record of a job's tables `scanObject` says what it found. */
export const OBJECT_RECORD = 192;

// What `scanObject` says of a file: numbers, and positions.
export const OBJECT_GROUPS = 0;
export const OBJECT_SYMBOL_TABLE = 4;
export const OBJECT_SYMBOLS = 8;
export const OBJECT_LOCALS = 12;
export const OBJECT_NAMES = 16;
export const OBJECT_NAMES_SIZE = 20;
export const OBJECT_SECTIONS = 24;

// A queue of files whose sections are to be read: how many were added, taken and finished, and whether more will come. An entry has the file's
// position and length, its graph, its first section, and what became of it.
export const QUEUE_ADDED = 0;
export const QUEUE_TAKEN = 4;
export const QUEUE_FINISHED = 8;
export const QUEUE_CLOSED = 12;
export const QUEUE_CAPACITY = 16;
export const QUEUE_ENTRIES = 64;
export const QUEUE_ENTRY_SIZE = 20;
