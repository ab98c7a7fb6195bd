-- Ada: elaboration, tasking with rendezvous and protected objects, exceptions, controlled types, streams, a C callback.
-- compile: gcc -O{0,2} {-fPIE,-fno-pic}
-- compile: gcc -O1 -fPIC -g
-- needs: gnatbind
-- before: gnatbind main.ali
-- before: gcc -c b~main.adb
-- inputs: main.o b~main.o things.o helper.o {-lgnarl-12 -lgnat-12,lib:libgnarl.a lib:libgnat.a} -lpthread -ldl -lm
-- reference: -no-pie
-- args: argument
-- status: 4
with Ada.Calendar;
with Ada.Command_Line;
with Ada.Exceptions;
with Ada.Numerics.Elementary_Functions;
with Ada.Streams.Stream_IO;
with Ada.Tags;
with Ada.Text_IO;
with Ada.Unchecked_Deallocation;
with Things;

procedure Main is
   use Ada.Text_IO, Things;

   task type Worker;
   task body Worker is begin delay 0.001; Counter.Increment; end Worker;

   V : Numbers.Vector;
   M : Words.Map;
   Answer : Integer;
   Started : constant Ada.Calendar.Time := Ada.Calendar.Clock;
begin
   Put_Line ("hello " & Ada.Command_Line.Argument (1) & Ada.Command_Line.Argument_Count'Image);
   for I in 1 .. 10 loop V.Append ((I * 7) mod 11); end loop;
   Sorting.Sort (V);
   for N of V loop Put (N'Image); end loop;
   New_Line;
   M.Include ("b", 2); M.Include ("a", 1);
   for C in M.Iterate loop Put (Words.Key (C) & "=" & Words.Element (C)'Image & " "); end loop;
   New_Line;
   begin Fail (2); Fail (7);
   exception when E : Constraint_Error => Put_Line ("caught " & Ada.Exceptions.Exception_Name (E));
   end;
   begin raise Own_Error with "a message";
   exception when E : others => Put_Line (Ada.Exceptions.Exception_Message (E));
   end;
   declare
      type Access_Integer is access Integer;
      procedure Free is new Ada.Unchecked_Deallocation (Integer, Access_Integer);
      Nothing, Something : Access_Integer;
   begin
      Something := new Integer'(5); Free (Something);
      Nothing.all := 3;
   exception when Constraint_Error => Put_Line ("no object");
   end;
   declare Workers : array (1 .. 3) of Worker; begin Counter.Wait_For_Three; end;
   Server.Ask (21, Answer); Put_Line (Answer'Image);
   begin Server.Ask (-1, Answer);
   exception when E : Program_Error => Put_Line ("rendezvous: " & Ada.Exceptions.Exception_Message (E));
   end;
   Server.Stop;
   declare
      S : constant array (1 .. 2) of access Shape'Class := (new Shape, new Disc);
   begin
      for P of S loop Floats.Put (P.Area, Fore => 3, Aft => 2, Exp => 0); Put_Line (" " & Ada.Tags.Expanded_Name (P'Tag)); end loop;
   end;
   declare
      use Ada.Streams.Stream_IO;
      F : Ada.Streams.Stream_IO.File_Type;
      Back : String (1 .. 5);
   begin
      Create (F); String'Write (Stream (F), "bytes"); Reset (F, In_File); String'Read (Stream (F), Back); Delete (F);
      Ada.Text_IO.Put_Line (Back);
   end;
   select delay 0.01; Put_Line ("timed out");
   then abort loop delay 0.001; end loop;
   end select;
   Put_Line (Apply (Call_Me'Access, 4)'Image & Boolean'Image (Ada.Calendar."<=" (Started, Ada.Calendar.Clock)));
   Floats.Put (Ada.Numerics.Elementary_Functions.Sqrt (2.0)); New_Line;
   Ada.Command_Line.Set_Exit_Status (4);
end Main;
-- file: things.ads
with Ada.Containers.Indefinite_Ordered_Maps;
with Ada.Containers.Vectors;
with Ada.Finalization;
with Ada.Text_IO;
with Interfaces.C;

package Things is
   use type Interfaces.C.int;
   package Numbers is new Ada.Containers.Vectors (Positive, Integer);
   package Sorting is new Numbers.Generic_Sorting;
   package Words is new Ada.Containers.Indefinite_Ordered_Maps (String, Natural);
   package Floats is new Ada.Text_IO.Float_IO (Float);

   type Noisy is new Ada.Finalization.Controlled with record Id : Integer; end record;
   overriding procedure Finalize (This : in out Noisy);

   type Shape is tagged record Side : Float := 2.0; end record;
   function Area (S : Shape) return Float is (S.Side * S.Side);
   type Disc is new Shape with null record;
   overriding function Area (S : Disc) return Float is (3.0 * S.Side);

   protected Counter is
      procedure Increment;
      entry Wait_For_Three;
   private
      Count : Natural := 0;
   end Counter;

   task Server is
      entry Ask (Question : Integer; Answer : out Integer);
      entry Stop;
   end Server;

   Own_Error : exception;
   procedure Fail (Index : Integer);

   function Call_Me (X : Interfaces.C.int) return Interfaces.C.int is (X * 3) with Convention => C;
   type Callback is access function (X : Interfaces.C.int) return Interfaces.C.int with Convention => C;
   function Apply (F : Callback; X : Interfaces.C.int) return Interfaces.C.int
   with Import, Convention => C, External_Name => "apply";
end Things;
-- file: things.adb
package body Things is
   use Ada.Text_IO;

   overriding procedure Finalize (This : in out Noisy) is
   begin
      Put_Line ("finalize" & This.Id'Image);
   end Finalize;

   protected body Counter is
      procedure Increment is begin Count := Count + 1; end Increment;
      entry Wait_For_Three when Count >= 3 is begin null; end Wait_For_Three;
   end Counter;

   task body Server is
   begin
      loop
         select
            accept Ask (Question : Integer; Answer : out Integer) do
               if Question < 0 then raise Program_Error with "negative"; end if;
               Answer := Question * 2;
            end Ask;
         or
            accept Stop;
            exit;
         or
            delay 10.0;
         end select;
      end loop;
   exception
      when others => accept Stop do Put_Line ("server failed"); end Stop;
   end Server;

   procedure Fail (Index : Integer) is
      Guard : Noisy;
      Table : array (1 .. 3) of Integer := (1, 2, 3);
   begin
      Guard.Id := Index;
      Table (Index) := 5;
      Put_Line (Table (Index)'Image);
   end Fail;

begin
   Put_Line ("elaborated");
end Things;
-- file: helper.c
int apply(int (*f)(int), int x) { return f(x) + f(x); }
