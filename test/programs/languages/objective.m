// Objective-C with gcc's run-time library: classes registered by a constructor, +load, messages, exceptions.
// compile: gcc -fobjc-exceptions {-fPIE,-fno-pic}
// needs: /usr/lib/gcc/x86_64-linux-gnu/12/cc1obj
// inputs: objective.o {-lobjc,lib:libobjc.a -lpthread}
// status: 2
#import <objc/Object.h>
#import <objc/runtime.h>
#import <stdio.h>

@interface Number : Object {
  int value;
}
+ (id)make:(int)v;
- (int)value;
@end
@implementation Number
+ (void)load { puts("loaded"); }
+ (id)make:(int)v {
  Number *number = class_createInstance(self, 0);
  number->value = v;
  return number;
}
- (int)value { return value; }
@end
@interface Twice : Number
@end
@implementation Twice
- (int)value { return 2 * [super value]; }
@end

int main(void) {
  @try {
    printf("%d %s\n", [[Twice make:5] value], class_getName(objc_getClass("Twice")));
    @throw [Number make:3];
  } @catch (Number *thrown) {
    printf("caught %d\n", [thrown value]);
  } @finally {
    puts("finally");
  }
  return 2;
}
