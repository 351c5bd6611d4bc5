
const http=require('http');const [,,url,ins]=process.argv;
http.get(url,{agent:false,insecureHTTPParser:ins==='1'},r=>{let b='';r.on('data',d=>b+=d);r.on('end',()=>{console.log('OK',r.statusCode,JSON.stringify(b),JSON.stringify(r.rawHeaders).slice(0,80));process.exit(0)});r.on('error',e=>{console.log('BODYERR',e.code,e.message);process.exit(0)})}).on('error',e=>{console.log('ERR',e.code,e.message);process.exit(0)})
setTimeout(()=>{console.log('HANG');process.exit(0)},2000)
