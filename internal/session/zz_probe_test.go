package session_test
import ("testing";"crypto/rand";"strings";"encoding/json";"fmt"
"golang.org/x/crypto/argon2"
"github.com/countersign-mfa/countersign/internal/session"
"github.com/countersign-mfa/countersign/internal/seal"
"github.com/countersign-mfa/countersign/internal/password"
"github.com/countersign-mfa/countersign/internal/reverify")
func TestProbe(t *testing.T){
 _ = argon2.Version
 k:=key(t); good:=mint(t,k)
 ok:=func(n,s string){ _,err:=session.Verify(s,[]*session.Key{k},issuer,at); t.Log(n, err==nil)}
 alt:=good[:len(good)-1]+string(good[len(good)-1]+1)
 ok("last char +1",alt); ok("newline end",good+"\n"); ok("newline mid",strings.Replace(good,".",".\n",1)); ok("space",good+" ")
 ok("padded", good+"==")
 for _,c:=range []any{map[string]any{"iss":issuer,"v":2,"iat":at.Unix(),"nbf":at.Unix(),"exp":at.Unix()+60},
   map[string]any{"iss":issuer,"v":2,"iat":at.Unix(),"nbf":at.Unix(),"exp":at.Unix()+1e9,"sub":"x","sts":"zzz"}} { s,_:=k.Sign(c); ok(fmt.Sprint(c),s.Reveal()) }
 key:=seal.Key{1,2,3,0xab}
 j,_:=json.Marshal(key); t.Log("json",string(j))
 t.Logf("nested %v", struct{k seal.Key}{key})
 r,_:=seal.NewRing(1,map[uint32]seal.Key{1:key},rand.Reader)
 t.Log("ring",len(fmt.Sprintf("%+v",r)), fmt.Sprintf("%+v",r)[:120])
 t.Log("skey",fmt.Sprintf("%+v",k)[:150])
 const d="$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
 for _,x:=range []string{strings.Replace(d,"p=1","p=1junk",1),strings.Replace(d,"p=1","p=1,keyid=a",1),strings.Replace(d,"m=65536","m=+65536",1),strings.Replace(d,"m=65536","m=065536",1),strings.Replace(d,"c29t","c2\n9t",1),d+"\n",strings.Replace(d,"PPc","PPd",1),strings.Replace(d,"65536,t=2,p=1","8,t=2,p=4",1),strings.Replace(d,"m=65536","m=6_5536",1)} { _,err:=password.ParseDigest("argon2id",x); t.Logf("%q %v",x[:40],err) }
 b:="$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
 _,err:=password.ParseDigest("bcrypt",b+"\n"); t.Log("bcrypt nl",err)
 t.Log(reverify.Requirement{Level:"bogus",AfterMinutes:10}.Met([2]int{0,-1},false), reverify.Requirement{Level:"first_factor",AfterMinutes:10}.Met([2]int{-2,-1},false))
}
